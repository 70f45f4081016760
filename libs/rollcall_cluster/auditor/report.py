"""What an audit found: the model behind the table and the JSON document."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field


class Outcome(StrEnum):
    """What became of one check."""

    HOLDS = "holds"
    VIOLATED = "violated"
    SKIPPED = "skipped"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Place(_Frozen):
    """One record of a Kafka log."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"


class Sighting(_Frozen):
    """Where a subject was seen: in a Kafka record (`place`) or in a row of the database."""

    seen: str
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.seen} {self.place}" if self.place else self.seen


class Example(_Frozen):
    """One violation: whose it is, what was found, and the evidence from all sides."""

    subject: str
    found: str
    evidence: tuple[Sighting, ...] = ()

    def __str__(self) -> str:
        seen = "; ".join(map(str, self.evidence))
        return f"{self.subject}: {self.found}" + (f" [{seen}]" if seen else "")


class CheckResult(_Frozen):
    """One invariant: how many subjects were checked, and how many break it."""

    code: str
    invariant: int
    """Number of its group, 1 to 6: see docs/architecture/auditor.md."""
    title: str
    checked: int = 0
    violations: int = 0
    not_checkable: int = 0
    """Would be violations, but the log no longer (or not yet) holds what would prove it."""
    skipped: str | None = None
    """Why the check was not made at all."""
    examples: tuple[Example, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def outcome(self) -> Outcome:
        """Skipped, violated or holds."""
        if self.skipped is not None:
            return Outcome.SKIPPED
        return Outcome.VIOLATED if self.violations else Outcome.HOLDS


class LogSummary(_Frozen):
    """One topic as it was read."""

    topic: str
    direction: str
    partitions: int
    records: int
    """Records read."""
    no_longer_readable: int
    """Offsets below the start of the log: retention has removed them."""


class AuditReport(_Frozen):
    """The outcome of one audit."""

    consumer_group: str
    database_schema: str
    topic_prefix: str
    started_at: datetime
    duration_seconds: float
    at_rest: bool
    """Whether all input was handled and all output published when the snapshot was taken."""
    moving: tuple[str, ...] = ()
    """What was not at rest."""
    contents: int = 0
    """Distinct contents seen on any side."""
    batches: int = 0
    logs: tuple[LogSummary, ...] = ()
    checks: tuple[CheckResult, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """No check found a violation."""
        return self.violations == 0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def violations(self) -> int:
        """Violations of all checks together."""
        return sum(check.violations for check in self.checks)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def not_checkable(self) -> int:
        """What would be violations of all checks together, but may be excused."""
        return sum(check.not_checkable for check in self.checks)

    @property
    def violated_codes(self) -> frozenset[str]:
        """Codes of the checks that found violations."""
        return frozenset(check.code for check in self.checks if check.violations)

    @property
    def exit_code(self) -> int:
        """0: every invariant holds; 1: at least one is violated."""
        return 0 if self.ok else 1
