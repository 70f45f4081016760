"""The guards of the product, each with the tests that must fail without it."""

from dataclasses import dataclass

_CONSUMER = "libs/rollcall/consumer"
_OUTBOX = "libs/rollcall/outbox"
_ESSAYS = "services/essay_lifecycle_service"


@dataclass(frozen=True)
class Mutation:
    """A guard taken away: texts of one file, each with its replacement, and who must notice."""

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "positions_without_comparison",
        f"{_CONSUMER}/positions.sql",
        ((" AND p.next_offset = w.expected", ""),),
        (
            "tests/db/test_positions.py::test_an_instance_ahead_of_the_position_cannot_commit",
            "tests/db/test_positions.py::"
            "test_of_two_instances_with_the_same_chunk_at_once_one_commits",
        ),
    ),
    Mutation(
        "positions_outside_of_the_transaction",
        f"{_CONSUMER}/processor.py",
        (
            (
                "            await self._positions.compare_and_set(tx.connection, chunk.spans)\n",
                "            async with self._database.acquire() as other:\n"
                "                await self._positions.compare_and_set(other, chunk.spans)\n",
            ),
        ),
        (
            "tests/db/test_infrastructure_failures.py::"
            "test_a_chunk_whose_backend_is_terminated_is_handled_again_once",
        ),
    ),
    Mutation(
        "conflict_not_noticed",
        f"{_CONSUMER}/positions.py",
        (("if len(moved) != len(partitions):", "if not moved:"),),
        (
            "tests/db/test_positions.py::"
            "test_a_conflict_on_one_partition_rolls_back_the_whole_chunk",
        ),
    ),
    Mutation(
        "another_task_seeks",
        f"{_CONSUMER}/consumer.py",
        (
            (
                "        if self.ownership.unpositioned:\n"
                "            await self._establish_positions()\n",
                "",
            ),
            (
                '                self._supervisor.start(tasks, self._fetch, "consumer.fetch"),\n',
                '                self._supervisor.start(tasks, self._fetch, "consumer.fetch"),\n'
                '                self._supervisor.start(tasks, self._seek_apart, "consumer.seek"),\n',
            ),
            (
                "    async def _wait_for_change(self) -> None:\n",
                "    async def _seek_apart(self) -> None:\n"
                "        while True:\n"
                "            if self.ownership.unpositioned:\n"
                "                await self._establish_positions()\n"
                "            await asyncio.sleep(0.01)\n\n"
                "    async def _wait_for_change(self) -> None:\n",
            ),
        ),
        (
            "tests/messaging/test_seeking.py::"
            "test_records_drawn_by_a_poll_of_an_older_assignment_are_read_again",
        ),
    ),
    Mutation(
        "halves_that_overlap",
        f"{_CONSUMER}/chunk.py",
        (
            (
                "Span(spans[cut.partition].expected, cut.offset)",
                "Span(spans[cut.partition].expected, cut.offset + 1)",
            ),
        ),
        (
            "tests/unit/rollcall/test_chunk.py::"
            "test_the_parts_of_a_chunk_move_each_position_without_gap_or_overlap",
            "tests/unit/model/test_machine.py::TestProtocol::runTest",
        ),
    ),
    Mutation(
        "no_bisection",
        f"{_CONSUMER}/processor.py",
        (
            (
                "        first, second = chunk.halves()\n"
                "        await self.process(first, is_current, trace)\n"
                "        failpoints.reached(Failpoint.BISECTION_HALF_COMMITTED)\n"
                "        await self.process(second, is_current, trace)\n",
                "        rejected = [Rejected.from_exception(i.record, error) for i in chunk.items]\n"
                "        await self.process(Chunk(rejected, chunk.spans, chunk.generation), is_current)"
                "\n",
            ),
        ),
        (
            "tests/db/test_poison_records.py::"
            "test_one_poison_record_among_many_is_found_and_the_others_take_effect_once",
        ),
    ),
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
        "batch_ends_with_a_slot_open",
        f"{_ESSAYS}/store/slots.sql",
        ((" AND (SELECT count(*) FROM open_slot) = $2", " AND $2::int IS NOT NULL"),),
        (
            "tests/db/test_deadlines.py::"
            "test_a_slot_locked_before_its_taker_counts_keeps_the_batch_as_it_is[close]",
        ),
    ),
    Mutation(
        "due_batch_not_locked",
        f"{_ESSAYS}/store/batches.sql",
        (("ORDER BY batch_id\nFOR UPDATE SKIP LOCKED", "ORDER BY batch_id"),),
        (
            "tests/db/test_deadlines.py::"
            "test_a_batch_whose_slot_is_being_taken_is_left_for_the_next_sweep[keep_open]",
        ),
    ),
    Mutation(
        "timed_out_again",
        f"{_ESSAYS}/store/batches.sql",
        (
            (
                "AND timed_out_at IS NULL AND deadline_at <= now()\n  AND",
                "AND deadline_at <= now()\n  AND",
            ),
            (
                "AND timed_out_at IS NULL AND deadline_at <= now()\nORDER BY",
                "AND deadline_at <= now()\nORDER BY",
            ),
        ),
        (
            "tests/db/test_deadlines.py::"
            "test_a_deadline_that_passes_is_announced_once_with_what_is_missing[keep_open]",
        ),
    ),
    Mutation(
        "closed_batch_called_full",
        f"{_ESSAYS}/store/unplaced.sql",
        (("SELECT b.missing_count > 0 OR", "SELECT b.missing_count < 0 OR"),),
        (
            "tests/db/test_deadlines.py::test_content_after_the_slots_were_given_up_is_excess_of_"
            "a_closed_batch_once[close]",
        ),
    ),
    Mutation(
        "purged_before_publication",
        "libs/rollcall_cluster/purge/purge.sql",
        (("(s.seq IS NULL OR s.seq > l.published_seq) AND", "s.seq IS NULL AND"),),
        ("tests/db/test_purge.py::test_a_batch_is_left_until_its_completion_is_published",),
    ),
    Mutation(
        "purged_with_pending_content",
        "libs/rollcall_cluster/purge/purge.sql",
        (("u.batch_id = b.batch_id AND u.outcome = 'pending'", "false"),),
        ("tests/db/test_purge.py::test_a_batch_for_which_something_waits_is_left",),
    ),
    Mutation(
        "purged_batch_called_full",
        f"{_ESSAYS}/store/unplaced.sql",
        ((" OR b.purged_at IS NOT NULL", ""),),
        (
            "tests/db/test_purge.py::"
            "test_what_comes_for_a_purged_batch_is_excess_of_a_closed_batch_once",
        ),
    ),
    Mutation(
        "periodic_job_in_every_instance",
        "libs/rollcall/periodic.py",
        (("WHERE job.started_at <=", "WHERE true OR job.started_at <="),),
        ("tests/db/test_sweep.py::test_of_several_instances_one_runs_a_job_in_its_pause",),
    ),
    Mutation(
        "follow_ups_without_the_lock",
        "libs/rollcall/consumer/processor.py",
        (
            (
                "jobs.extend(await self._try_job(jobs.popleft(), admitted))",
                "jobs.extend(await self._try_job(jobs.popleft(), admitted))\n"
                "            admitted = None",
            ),
        ),
        ("tests/db/test_sweep.py::test_jobs_after_a_periodic_job_run_under_its_lock",),
    ),
    Mutation(
        "one_claim_holds_up_the_sweep",
        "libs/rollcall/consumer/processor.py",
        (("job.halves() if isinstance(job, InParts) else []", "list[Job]()"),),
        (
            "tests/db/test_sweep.py::test_a_claim_that_cannot_be_placed_holds_up_no_other",
            "tests/db/test_sweep.py::test_a_batch_that_cannot_be_timed_out_holds_up_no_other",
        ),
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
    Mutation(
        "lane_position_read_before_the_fence",
        f"{_OUTBOX}/producer.py",
        (
            (
                "        async with asyncio.timeout(_TRANSACTION_TIMEOUT_SECONDS * 2):\n"
                "            await self._producer.start()\n",
                "",
            ),
            (
                "            await apart(consumer.stop())\n",
                "            await apart(consumer.stop())\n            await self._producer.start()\n",
            ),
        ),
        (
            "tests/unit/model/test_lane_owner.py::"
            "test_a_position_that_has_been_read_can_no_longer_move",
        ),
    ),
    Mutation(
        "lane_position_in_a_transaction_of_its_own",
        f"{_OUTBOX}/producer.py",
        (
            (
                "            deliveries = await self._send(self._placed(segments))\n",
                "            deliveries = await self._send(self._placed(segments))\n"
                "            await self._producer.commit_transaction()\n"
                "            await self._producer.begin_transaction()\n",
            ),
        ),
        (
            "tests/unit/model/test_lane_owner.py::"
            "test_whichever_request_is_lost_the_next_owner_publishes_the_rest_once[5-request]",
            "tests/unit/model/test_machine.py::TestProtocol::runTest",
        ),
    ),
    Mutation(
        "lane_position_not_checked",
        f"{_OUTBOX}/publisher.py",
        (("        check_lane_position(self._lane, position, known)\n", ""),),
        (
            "tests/db/test_lane_publisher.py::"
            "test_a_lane_whose_two_sides_contradict_each_other_publishes_nothing[topic_lost]",
        ),
    ),
    Mutation(
        "restored_database_not_noticed",
        f"{_OUTBOX}/lane_position.py",
        (("if position.seq > known.last_seq:", "if position.seq > known.last_seq + 99:"),),
        (
            "tests/unit/rollcall/test_outbox.py::"
            "test_a_lane_goes_on_only_from_a_position_that_both_sides_can_explain",
            "tests/db/test_lane_publisher.py::"
            "test_a_lane_whose_two_sides_contradict_each_other_publishes_nothing"
            "[database_restored]",
        ),
    ),
    Mutation(
        "segments_numbered_backwards",
        f"{_OUTBOX}/outbox.sql",
        (("row_number() OVER (ORDER BY id) AS n", "row_number() OVER (ORDER BY id DESC) AS n"),),
        ("tests/db/test_lane_publisher.py::test_segments_are_published_in_the_order_of_their_ids",),
    ),
    Mutation(
        "segments_forgotten_before_the_commit",
        f"{_OUTBOX}/publisher.py",
        (
            (
                "            position = await self._producer.publish(segments)\n",
                "            async with self._session.connection() as connection:\n"
                "                await self._store.take_next(\n"
                "                    connection, self._lane, segments[-1].seq, 0\n"
                "                )\n"
                "            position = await self._producer.publish(segments)\n",
            ),
        ),
        (
            "tests/db/test_lane_publisher.py::"
            "test_whatever_request_is_lost_each_segment_is_published_once[2-lose_request]",
        ),
    ),
    Mutation(
        "cancelled_part_not_missed",
        "libs/rollcall/supervision.py",
        (("            if self.ending:\n                raise\n", "            raise\n"),),
        (
            "tests/unit/rollcall/test_supervision.py::"
            "test_a_part_that_ends_by_itself_ends_the_others_and_is_told_once"
            "[cancelled]",
        ),
    ),
    Mutation(
        "stopped_process_taken_for_a_stall",
        "libs/rollcall/watchdog.py",
        (
            (
                "self.owed_seconds += min(elapsed_seconds, 2 * _LOOK_SECONDS + cpu_seconds)",
                "self.owed_seconds += elapsed_seconds",
            ),
        ),
        (
            "tests/unit/rollcall/test_watchdog.py::"
            "test_time_in_which_the_process_did_not_run_is_not_owed",
        ),
    ),
)
