"""What became of the records of a chunk, counted. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from rollcall.consumer.chunk import Chunk
from rollcall.consumer.records import Rejected, Skipped

Outcomes = Counter[tuple[str, str]]
"""Records by topic and outcome: handled, skipped or rejected."""


class Tally(NamedTuple):
    """Records of one topic, and how many of them were rejected."""

    records: int
    rejected: int


def count_outcomes(chunk: Chunk, rejected: Iterable[Rejected]) -> Outcomes:
    """Count the records of a chunk; `rejected` are all that were set aside, when decoded or later."""
    counts = Counter(
        [
            (item.record.partition.topic, "skipped" if type(item) is Skipped else "handled")
            for item in chunk.items
        ]
    )
    for record in {id(item.record): item.record for item in rejected}.values():
        counts[record.partition.topic, "handled"] -= 1
        counts[record.partition.topic, "rejected"] += 1
    return +counts


def tallies(outcomes: Outcomes) -> dict[str, Tally]:
    """Sum up by topic."""
    totals: Counter[str] = Counter()
    for (topic, _), count in outcomes.items():
        totals[topic] += count
    return {topic: Tally(total, outcomes[topic, "rejected"]) for topic, total in totals.items()}
