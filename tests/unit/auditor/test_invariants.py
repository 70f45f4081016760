"""The checks, on facts taken straight from a world built by hand."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rollcall_cluster.auditor import Outcome
from rollcall_events import DeadlinePolicy, EssayContentProvisionedV1
from rollcall_events.topics import topic_for
from tests.unit.auditor.clean import OPEN, UNKNOWN, clean_world
from tests.unit.auditor.deployment import SLOTS_TOPIC
from tests.unit.auditor.events import assigned, content, failure
from tests.unit.auditor.offline import FAR, Offline
from tests.unit.auditor.plants import PLANTS, Plant
from tests.unit.auditor.service import Service
from tests.unit.auditor.world import NOW, World, batch_named


def _violated(results) -> set[str]:
    return {code for code, result in results.items() if result.violations}


def test_a_clean_world_has_no_violation():
    """What a correct service leaves behind passes every check."""
    results = Offline(clean_world().finish()).judge()
    assert {code: result.examples for code, result in results.items() if result.violations} == {}


@pytest.mark.parametrize(
    "planted", [p for p in PLANTS if not p.needs_servers], ids=lambda planted: planted.name
)
def test_a_planted_violation_is_found_and_nothing_else(planted: Plant):
    """Each violation is reported under its own codes, with an example."""
    results = Offline(planted.world()).judge()
    told = {code: [*map(str, r.examples)] for code, r in results.items() if r.violations}
    assert set(told) == planted.found, told
    assert all(told.values())


def test_every_check_has_a_planted_violation():
    """No check exists that no test has seen fail; what only motion shows has tests of its own."""
    codes = set(Offline(clean_world().finish()).judge())
    planted = set().union(*(p.found for p in PLANTS))
    assert codes - planted == {"position-below-start", "position-moved-back"}


_POLICIES = {
    batch_named("a"): None,
    **{batch_named(policy): policy for policy in DeadlinePolicy},
}
_BATCHES = list(_POLICIES)
_BY_HAND = {
    "complete": lambda service, batch: service.force(batch, "completed"),
    "close": lambda service, batch: service.force(batch, "closed"),
    "reassign": lambda service, batch: service.reassign(batch),
    "replay": lambda service, batch: service.replay(batch),
}
_STEPS = st.lists(
    st.tuples(
        st.sampled_from([*["register", "provide", "fail", "bury", "time_out", "purge"], *_BY_HAND]),
        st.sampled_from(_BATCHES),
        st.sampled_from(["one", "two", "three", "four"]),
    ),
    max_size=30,
)


@given(_STEPS)
@example(
    [
        (action, batch_named(DeadlinePolicy.COMPLETE_PARTIAL), "one")
        for action in ("register", "time_out", "provide", "reassign", "purge")
    ]
)
def test_whatever_a_correct_service_does_passes(steps):
    """No order of registrations, contents, failures, deadlines, purges and orders is a false alarm."""
    world = World()
    service = Service(world)
    for action, batch, name in steps:
        match action:
            case "register":
                service.register(batch, 3, _POLICIES[batch])
            case "provide":
                service.provide(content(batch, name))
            case "fail":
                service.fail(failure(batch, name))
            case "bury":
                service.bury(world.take_in(content(batch, f"poison {name}")))
            case "time_out":
                service.time_out(batch)
            case "purge":
                service.purge(batch)
            case _:
                _BY_HAND[action](service, batch)
    results = Offline(world.finish()).judge()
    assert _violated(results) == set()


def test_what_was_announced_after_the_snapshot_needs_no_row_in_it():
    """A running service publishes while the audit reads: only repetitions are wrong then."""
    world = clean_world()
    slot = world.row("slot", batch_id=OPEN, text_storage_id="seven")
    world.announce(assigned(slot, text_storage_id="later"), "later")
    world.announce(assigned(slot), "seven")
    results = Offline(world.finish(), early_end=0).judge()
    assert _violated(results) == {"slot-announced-twice"}


def test_what_is_no_longer_readable_is_not_blamed():
    """Rows whose input was removed by retention are counted as not checkable."""
    world = clean_world()
    topic = topic_for(EssayContentProvisionedV1).name
    world.records = [record for record in world.records if record.topic != topic]
    result = Offline(world.finish()).judge(content_input_gone=FAR)["content-without-input"]
    assert (result.violations, result.not_checkable) == (0, result.checked)
    assert result.checked > 0


def test_so_many_records_as_were_removed_excuse_so_many_rows():
    """Of ten rows without input, eight are wrong where retention has removed two records."""
    world = clean_world()
    topic = topic_for(EssayContentProvisionedV1).name
    world.records = [record for record in world.records if record.topic != topic]
    result = Offline(world.finish()).judge(content_input_gone=2)["content-without-input"]
    assert (result.violations, result.not_checkable) == (result.checked - 2, 2)
    assert len(result.examples) == 5


def test_what_happened_after_the_oldest_record_left_is_not_excused():
    """Retention removes the oldest: a slot taken later was announced in what is left, or not at all."""
    world = clean_world()
    world.row("slot", batch_id=OPEN, text_storage_id="seven")["taken_at"] = NOW
    world.records = [r for r in world.records if r.topic != SLOTS_TOPIC]
    facts = {"assigned_gone": FAR, "assigned_until": NOW.timestamp()}
    result = Offline(world.finish()).judge(**facts)["slot-not-announced"]
    assert (result.violations, result.not_checkable) == (1, result.checked - 1)
    (example,) = result.examples
    assert "content seven" in example.subject


def test_without_rest_only_what_holds_at_any_moment_is_checked():
    """Segments left are no violation of a deployment that works."""
    world = clean_world().finish()
    world.tables["segment"].append({"lane": 0, "event_count": 1, "payload": b"x"})
    results = Offline(world).judge(rest_expected=False)
    assert _violated(results) == set()
    skipped = {code for code, result in results.items() if result.outcome is Outcome.SKIPPED}
    assert skipped == {"position-behind", "segments-left", "lane-numbers-lost"}


def test_young_pending_content_is_no_violation_without_rest():
    """Until the sweep was due, something may be pending although its batch is registered."""
    world = clean_world()
    Service(world).open(UNKNOWN, 3)
    world.finish()
    judged = Offline(world).judge(rest_expected=False, sweep_seconds=7200)
    assert judged["pending-of-registered-batch"].violations == 0
    judged = Offline(world).judge(rest_expected=False, sweep_seconds=3600)
    assert judged["pending-of-registered-batch"].violations == 1


def test_an_example_names_the_subject_and_where_it_was_seen():
    """An operator can go and look: ids, topic, partition, offset."""
    world = clean_world()
    record = world.take_in(content(OPEN, "lost"))
    (example,) = Offline(world.finish()).judge()["content-nowhere"].examples
    assert str(example) == (
        f"content lost of batch {OPEN}: neither slot nor excess nor pending"
        f" [provided by {record.topic}-{record.partition}@{record.offset}]"
    )


def test_examples_are_few_and_long_evidence_is_cut():
    """A thousand violations are counted, and a handful told."""
    world = clean_world()
    for _ in range(20):
        world.take_in(content(OPEN, "lost"))
    for number in range(20):
        world.take_in(content(OPEN, f"lost {number}"))
    result = Offline(world.finish()).judge()["content-nowhere"]
    assert (result.violations, len(result.examples)) == (21, 5)
    told = next(e for e in result.examples if e.subject.startswith("content lost of"))
    assert str(told.evidence[-1]) == "and 14 more"


def test_the_documentation_lists_every_check():
    """Its table names each code, and no other."""
    text = (Path(__file__).parents[3] / "docs/architecture/auditor.md").read_text()
    rows = re.findall(r"^\| [1-6] \| (.+?) \|", text, flags=re.MULTILINE)
    listed = {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)}
    assert listed == set(Offline(clean_world().finish()).judge())
