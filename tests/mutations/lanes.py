"""Guards of lanes: exactly once, in order."""

from tests.mutations.mutation import Mutation

_OUTBOX = "libs/rollcall/outbox"

MUTATIONS = (
    Mutation(
        "lane_position_read_before_the_fence",
        f"{_OUTBOX}/producer.py",
        (
            (
                "        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS * 2):\n"
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
                "            deliveries = await self._send(segments, spans)\n",
                "            deliveries = await self._send(segments, spans)\n"
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
        "first_position_not_written",
        f"{_OUTBOX}/publisher.py",
        (("            await self._producer.note(position)\n", ""),),
        (
            "tests/db/test_lane_publisher.py::"
            "test_a_lane_has_a_position_before_it_gives_its_first_number",
        ),
    ),
    Mutation(
        "numbers_without_a_position_accepted",
        f"{_OUTBOX}/lane_position.py",
        (("if known.last_seq > 0:", "if known.last_seq > 99:"),),
        (
            "tests/unit/rollcall/test_outbox.py::"
            "test_a_lane_without_a_position_goes_on_only_if_it_never_gave_a_number",
            "tests/db/test_lane_publisher.py::"
            "test_a_first_publication_is_not_repeated_when_its_position_is_lost_at_once",
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
            "test_whatever_request_is_lost_each_segment_is_published_once[4-lose_request]",
        ),
    ),
    Mutation(
        "late_segments_together_again",
        f"{_OUTBOX}/publisher.py",
        (("if is_overdue(error) and len(seqs) > 1:", "if is_overdue(error) and len(seqs) > 99:"),),
        (
            "tests/db/test_owned_lane.py::"
            "test_segments_that_are_too_many_for_a_slow_broker_go_out_one_by_one[TimeoutError]",
        ),
    ),
    Mutation(
        "refused_segment_overtaken",
        f"{_OUTBOX}/publisher.py",
        (
            (
                "left = await self._store.numbered_after(connection, self._lane, position.seq, limit)",
                "done = max(position.seq, self._one_by_one_until)\n"
                "                left = await self._store.numbered_after("
                "connection, self._lane, done, limit)",
            ),
        ),
        (
            "tests/db/test_owned_lane.py::"
            "test_a_refused_segment_is_tried_again_and_again_and_never_overtaken",
        ),
    ),
)
