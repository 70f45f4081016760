"""Guards of deadlines and purges."""

from tests.mutations.mutation import Mutation

_ESSAYS = "services/essay_lifecycle_service"

MUTATIONS = (
    Mutation(
        "batch_ends_with_a_slot_open",
        f"{_ESSAYS}/store/slots.sql",
        ((" AND (SELECT count(*) FROM open_slot) = $2", " AND $2::int IS NOT NULL"),),
        (
            "tests/db/test_deadline_races.py::"
            "test_a_slot_locked_before_its_taker_counts_keeps_the_batch_as_it_is[close]",
        ),
    ),
    Mutation(
        "due_batch_not_locked",
        f"{_ESSAYS}/store/batches.sql",
        (("ORDER BY batch_id\nFOR UPDATE SKIP LOCKED", "ORDER BY batch_id"),),
        (
            "tests/db/test_deadline_races.py::"
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
        (
            "tests/db/test_purge_beside_others.py::test_a_batch_is_left_until_its_completion_is_published",
        ),
    ),
    Mutation(
        "purged_with_pending_content",
        "libs/rollcall_cluster/purge/purge.sql",
        (("u.batch_id = b.batch_id AND u.outcome = 'pending'", "false"),),
        ("tests/db/test_purge_beside_others.py::test_a_batch_for_which_something_waits_is_left",),
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
)
