"""What was sent, and what is to come of it."""

from dataclasses import asdict, dataclass
from typing import Any

from rollcall_cluster.generator.expectation import Expectation
from rollcall_cluster.generator.record import Kind


@dataclass(frozen=True, slots=True)
class Summary:
    """The outcome of a run. `expected` is None if it was interrupted: its batches are incomplete then."""

    seed: int
    sent: dict[Kind, int]
    bytes_sent: int
    seconds: float
    interrupted: bool
    essays_written: int
    content_store: str | None
    expected: Expectation | None

    @property
    def records(self) -> int:
        """All records that Kafka acknowledged."""
        return sum(self.sent.values())

    @property
    def records_per_second(self) -> float:
        """Over the whole run, waiting for acknowledgements included."""
        return self.records / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        return asdict(self) | {
            "records": self.records,
            "records_per_second": round(self.records_per_second, 1),
            "seconds": round(self.seconds, 3),
        }
