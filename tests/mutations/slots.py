"""Guards of slots, counters and completions."""

from tests.mutations.mutation import Mutation

_ESSAYS = "services/essay_lifecycle_service"

MUTATIONS = (
    Mutation(
        "locked_slots_awaited",
        f"{_ESSAYS}/store/slots.sql",
        (("FOR UPDATE SKIP LOCKED\n    ) lowest", "FOR UPDATE\n    ) lowest"),),
        ("tests/db/test_placement_guards.py::test_a_locked_slot_is_passed_over_without_waiting",),
    ),
    Mutation(
        "slots_not_locked",
        f"{_ESSAYS}/store/slots.sql",
        (("        FOR UPDATE SKIP LOCKED\n    ) lowest", "    ) lowest"),),
        ("tests/db/test_placement_guards.py::test_a_locked_slot_is_passed_over_without_waiting",),
    ),
    # A slot that was taken meanwhile is at another place, which alone keeps it from being taken twice.
    Mutation(
        "slots_not_locked_and_found_by_key",
        f"{_ESSAYS}/store/slots.sql",
        (
            ("        FOR UPDATE SKIP LOCKED\n    ) lowest", "    ) lowest"),
            (
                "SELECT wanted.batch_number,",
                "SELECT wanted.batch_id, lowest.position, wanted.batch_number,",
            ),
            ("WHERE s.ctid = o.place", "WHERE s.batch_id = o.batch_id AND s.position = o.position"),
        ),
        ("tests/db/test_placement_guards.py::test_two_chunks_at_once_never_take_the_same_slot",),
    ),
    Mutation(
        "content_in_two_slots",
        f"{_ESSAYS}/migrations/1001_batches_and_slots.sql",
        (("CREATE UNIQUE INDEX slot_one_per_content", "CREATE INDEX slot_one_per_content"),),
        (
            "tests/db/test_placement_guards.py::"
            "test_the_same_content_in_two_open_transactions_takes_one_slot",
        ),
    ),
    Mutation(
        "nothing_to_lock_means_full",
        f"{_ESSAYS}/store/unplaced.sql",
        (("CASE WHEN b.open_count = 0 THEN", "CASE WHEN b.open_count >= 0 THEN"),),
        (
            "tests/db/test_excess.py::"
            "test_slots_locked_by_another_make_content_pending_and_never_excess",
        ),
    ),
    Mutation(
        "pending_in_a_full_batch",
        f"{_ESSAYS}/handlers.py",
        (
            (
                "        counted = Counted([], [])\n"
                "        if placement.taken:\n"
                "            counts = count_by_batch(placement.taken)\n"
                "            counted = await self._batches.count_taken(tx.connection, counts)\n"
                "            failpoints.reached(EssayFailpoint.COUNTED)\n",
                "",
            ),
            (
                "            excess = await self._unplaced.leave(tx.connection, placement.left)\n",
                "            excess = await self._unplaced.leave(tx.connection, placement.left)\n"
                "        counted = Counted([], [])\n"
                "        if placement.taken:\n"
                "            counts = count_by_batch(placement.taken)\n"
                "            counted = await self._batches.count_taken(tx.connection, counts)\n",
            ),
        ),
        (
            "tests/db/test_placement_guards.py::test_what_is_left_by_the_chunk_that_fills_a_batch"
            "_is_excess_in_that_very_transaction",
        ),
    ),
    Mutation(
        "completion_before_slot_events",
        f"{_ESSAYS}/handlers.py",
        (
            (
                "        for batch_id in counted.completed:\n"
                "            await self._completions.announce(batch_id, tx)\n",
                "",
            ),
            (
                "        await tx.publish(\n            slot_assigned(taken)",
                "        for batch_id in counted.completed:\n"
                "            await self._completions.announce(batch_id, tx)\n"
                "        await tx.publish(\n            slot_assigned(taken)",
            ),
        ),
        ("tests/db/test_completion.py::test_slot_events_stand_before_the_completion_in_one_chunk",),
    ),
    Mutation(
        "batch_never_flips",
        f"{_ESSAYS}/store/batches.sql",
        (
            (
                "state = CASE WHEN b.open_count = l.filled + l.failed THEN 'completed' ELSE b.state END",
                "state = b.state",
            ),
        ),
        ("tests/db/test_completion.py::test_a_batch_is_not_complete_before_its_last_slot[1]",),
    ),
    Mutation(
        "counters_not_locked",
        f"{_ESSAYS}/store/batches.sql",
        (
            (
                "SELECT b.batch_id, t.filled, t.failed\n"
                "    FROM batch b JOIN taken t USING (batch_id)\n"
                "    ORDER BY b.batch_id\n"
                "    FOR UPDATE OF b\n",
                "SELECT b.batch_id, t.filled, t.failed, b.open_count, b.filled_count\n"
                "    FROM batch b JOIN taken t USING (batch_id)\n",
            ),
            (
                "filled_count = b.filled_count + l.filled",
                "filled_count = l.filled_count + l.filled",
            ),
            ("open_count = b.open_count - l.filled", "open_count = l.open_count - l.filled"),
        ),
        (
            "tests/db/test_placement_guards.py::"
            "test_counters_of_an_earlier_chunk_are_kept_when_two_count_at_once",
        ),
    ),
    Mutation(
        "two_completions_possible",
        f"{_ESSAYS}/migrations/1001_batches_and_slots.sql",
        (
            (
                "    batch_id uuid PRIMARY KEY REFERENCES batch,",
                "    batch_id uuid REFERENCES batch,",
            ),
        ),
        ("tests/db/test_placement_guards.py::test_a_second_completion_of_a_batch_is_impossible",),
    ),
    Mutation(
        "half_registration_not_repaired",
        f"{_ESSAYS}/handlers.py",
        (("await self._repair(repeated, tx) if repeated else []", "list[UUID]()"),),
        (
            "tests/db/test_registration.py::"
            "test_a_half_registered_batch_is_repaired_by_its_registration_sent_again[no_slot]",
        ),
    ),
)
