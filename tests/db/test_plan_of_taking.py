"""How slots are found, as the server tells: one by one, however large or small it thinks the table is."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from essay_lifecycle_service.domain.claims import Claim, claim_of_content
from essay_lifecycle_service.store.slots import SlotStore, claim_columns
from tests.db.events import CORRELATION_ID, contents, registration
from tests.db.replica import Replica

_BATCHES, _SLOTS, _CLAIMS_OF_EACH = 60, 1000, 100
_BATCHES_OF_A_CHUNK = 10
# The slot as it is locked, and as it is written.
_READ_FOR_EACH_CLAIM = 2


@pytest.mark.parametrize("taken_before", [0, 300])
@pytest.mark.parametrize("analysed", [False, True])
async def test_a_chunk_reads_the_slots_that_it_takes_and_none_of_other_batches(
    replica: Replica, taken_before: int, analysed: bool
):
    """The planner knew better once: it read all of a table that was growing.

    While the index of open slots is no smaller than the primary key, that serves as well to find the
    lowest: then the slots before them that are taken are read, too.
    """
    batches = [uuid4() for _ in range(_BATCHES)]
    await replica.handle(*(registration(batch_id, _SLOTS) for batch_id in batches))
    for batch_id in batches[:_BATCHES_OF_A_CHUNK] if taken_before else []:
        await replica.handle(*contents(batch_id, taken_before))
    claims = _claims(batches[:_BATCHES_OF_A_CHUNK], taken_before)
    async with replica.database.transaction() as connection:
        if analysed:
            await connection.execute("ANALYZE slot")
        plan = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {SlotStore()._take}", *claim_columns(claims)
        )
    read = sum(_rows(node) for node in _nodes(json.loads(plan)[0]["Plan"]) if _reads_slots(node))
    least = _READ_FOR_EACH_CLAIM * len(claims)
    assert least <= read <= least + taken_before * _BATCHES_OF_A_CHUNK


def _claims(batches: list[UUID], first: int) -> list[Claim]:
    """Of several batches in turns, as a partition has them."""
    each = [contents(batch_id, _CLAIMS_OF_EACH, first) for batch_id in batches]
    return [
        claim_of_content(one, CORRELATION_ID) for turn in zip(*each, strict=True) for one in turn
    ]


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _reads_slots(node: Mapping[str, Any]) -> bool:
    return node.get("Relation Name") == "slot" and "Scan" in node["Node Type"]


def _rows(node: Mapping[str, Any]) -> int:
    """Found, and read in vain."""
    each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return round(each * node["Actual Loops"])
