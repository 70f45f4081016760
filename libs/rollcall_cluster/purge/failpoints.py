"""Failpoints of a purge."""

from rollcall.failpoints import FailpointName


class PurgeFailpoint:
    """Where a purge may end."""

    LOCKED = FailpointName("purge.locked", "batches are locked; nothing of them is deleted")
    EXCESS_DELETED = FailpointName(
        "purge.excess_deleted", "the open transaction has deleted excess; slots are there"
    )
    SLOTS_DELETED = FailpointName(
        "purge.slots_deleted", "the open transaction has deleted slots; completions are there"
    )
    COMPLETIONS_DELETED = FailpointName(
        "purge.completions_deleted", "all of the batches is deleted; their rows are as they were"
    )
    MARKED = FailpointName("purge.marked", "their rows say that they are purged; not committed")
    COMMITTED = FailpointName("purge.committed", "one transaction is committed, the next not begun")
    LATE_EXCESS_DELETED = FailpointName(
        "purge.late_excess_deleted",
        "a page of what came for batches purged before is deleted, the next is not",
    )
