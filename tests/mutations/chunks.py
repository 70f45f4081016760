"""Guards of chunks, their positions and their bisection; of what watches a replica."""

from tests.mutations.mutation import Mutation

_CONSUMER = "libs/rollcall/consumer"

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
            "tests/messaging/test_consumer_client.py::"
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
                "        rejected = [Rejected.from_exception(i, error) for i in chunk.items]\n"
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
