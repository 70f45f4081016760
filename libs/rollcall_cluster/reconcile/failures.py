"""Slots that are announced as failed, and the failures that hold them."""

from collections import defaultdict, deque
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.claims import Claim
from rollcall_cluster.reconcile.errors import ReconcileError
from rollcall_cluster.reconcile.inputs import UnhandledInput
from rollcall_cluster.reconcile.statements import Statements


async def fail_slots(statements: Statements, unhandled: UnhandledInput) -> int:
    """Give failures the slots that an announcement says they hold: those it names, else any.

    Raises:
        ReconcileError: there is no such failure.
    """
    slots = await statements.fetch("failed_slots")
    free = await _free_failures(statements, unhandled, {row["batch_id"] for row in slots})
    for batch_id, position, named in slots:
        claim = _pick(free[batch_id], named)
        if claim is None:
            raise ReconcileError(
                f"batch {batch_id}, position {position}: announced as failed, and no such failure is"
                " in the input any more; restore a newer copy of the database"
            )
        await statements.execute("fail", batch_id, position, *_columns(claim))
        await statements.execute("forget_failure", batch_id, claim.identity)
    return len(slots)


async def _free_failures(
    statements: Statements, unhandled: UnhandledInput, batch_ids: set[UUID]
) -> dict[UUID, deque[Claim]]:
    """Failures of these batches that hold no slot, each once, in order of arrival."""
    found: dict[UUID, dict[str, Claim]] = defaultdict(dict)
    if batch_ids:
        for row in await statements.fetch("pending_failures", list(batch_ids)):
            columns = {name: row[name] for name in Claim.__dataclass_fields__ if name in row.keys()}  # noqa: SIM118 - not its values
            found[row["batch_id"]][row["identity"]] = Claim(**columns)
        async for claim in unhandled.failures(batch_ids):
            found[claim.batch_id].setdefault(claim.identity, claim)
        for row in await statements.fetch("holding_failures", list(batch_ids)):
            found[row["batch_id"]].pop(row["file_upload_id"], None)
    return defaultdict(deque, {id_: deque(claims.values()) for id_, claims in found.items()})


def _pick(claims: deque[Claim], named: str | None) -> Claim | None:
    """Take the failure of that name out, or, without one, the next."""
    for claim in claims:
        if named is None or claim.identity == named:
            claims.remove(claim)
            return claim
    return None


def _columns(claim: Claim) -> tuple[Any, ...]:
    return (
        claim.file_upload_id,
        claim.original_file_name,
        claim.raw_file_storage_id,
        claim.file_size_bytes,
        claim.validation_error_code,
        claim.validation_error_detail,
        claim.correlation_id,
    )
