"""A fast wrong answer is a wrong answer: every way of being wrong is seen."""

from benchmarks.answers import Answer, Slot, problems

from rollcall_cluster.measuring.load import Load, Workload, expected_contents

LOAD = Load("main", batches=3, slots=4)
MODELS = ("BatchContentProvisioningCompletedV1", "BatchEssaysReadyV1")


def right_answer(load: Load = LOAD) -> Answer:
    """What a correct contestant leaves behind."""
    expected = expected_contents([load])
    slots: list[Slot] = [
        (batch, text, f"essay-{number}")
        for batch, known in expected.items()
        for number, text in enumerate(sorted(known))
    ]
    announced = {model: [(batch, sorted(t)) for batch, t in expected.items()] for model in MODELS}
    return Answer(filled=slots, unfinished=[], assigned=list(slots), announced=announced)


def test_a_right_answer_has_no_problems() -> None:
    """Order does not matter."""
    answer = right_answer()
    answer.assigned.reverse()
    assert problems(answer, [LOAD]) == []


def test_a_content_without_slot_is_missing() -> None:
    """Neither in the database nor among the events."""
    answer = right_answer()
    del answer.filled[0]
    assert "slots: 1 missing" in problems(answer, [LOAD])


def test_a_content_in_two_slots_is_a_repetition() -> None:
    """Whatever the essays."""
    answer = right_answer()
    batch, text, _ = answer.filled[0]
    answer.filled.append((batch, text, "essay-99"))
    assert "slots: 1 repeated" in problems(answer, [LOAD])


def test_a_repeated_slot_event_is_seen() -> None:
    """Published twice is wrong, even with the same id."""
    answer = right_answer()
    answer.assigned.append(answer.assigned[0])
    assert problems(answer, [LOAD]) == ["slot events: 1 repeated"]


def test_an_event_for_an_unknown_content_is_seen() -> None:
    """Nothing may appear that nobody sent."""
    answer = right_answer()
    batch, _, essay = answer.assigned[0]
    answer.assigned.append((batch, "never sent", essay))
    assert "slot events: 1 unknown" in problems(answer, [LOAD])


def test_an_event_that_names_another_essay_is_seen() -> None:
    """Database and events have to agree."""
    answer = right_answer()
    batch, text, _ = answer.assigned[0]
    answer.assigned[0] = (batch, text, "essay-99")
    assert problems(answer, [LOAD]) == ["slot events name other essays than the slots do"]


def test_an_unfinished_batch_is_seen() -> None:
    """Counters and completion row belong to the answer."""
    answer = right_answer()
    answer.unfinished.append(LOAD.batch_ids[0])
    assert problems(answer, [LOAD]) == ["1 batches are not complete in the database"]


def test_a_batch_announced_twice_is_seen() -> None:
    """Exactly once means once."""
    answer = right_answer()
    answer.announced[MODELS[0]].append(answer.announced[MODELS[0]][0])
    assert problems(answer, [LOAD]) == [f"{MODELS[0]}: 1 repeated"]


def test_a_batch_never_announced_is_seen() -> None:
    """For each of the two announcements."""
    answer = right_answer()
    del answer.announced[MODELS[1]][0]
    assert problems(answer, [LOAD]) == [f"{MODELS[1]}: 1 missing"]


def test_an_announcement_with_the_wrong_contents_is_seen() -> None:
    """The list has to be the batch's own, each content once."""
    answer = right_answer()
    answer.announced[MODELS[1]][0][1].pop()
    assert problems(answer, [LOAD]) == [f"{MODELS[1]}: 1 list the wrong contents"]


def test_excess_is_unwanted() -> None:
    """No load causes any."""
    answer = right_answer()
    answer.excess = 2
    assert problems(answer, [LOAD]) == ["2 excess events"]


def test_each_bad_record_is_one_dead_letter() -> None:
    """No more, no fewer, none twice."""
    load = Load("main", batches=9, slots=3, workload=Workload.MALFORMED)
    answer = right_answer(load)
    answer.dead_letters = [("in", 0, offset) for offset in range(load.dead_letters)]
    assert problems(answer, [load]) == []
    answer.dead_letters.append(("in", 0, 0))
    assert problems(answer, [load]) == ["dead letters: 1 repeated"]
    del answer.dead_letters[1:]
    assert problems(answer, [load]) == ["dead letters: 1 instead of 3"]
