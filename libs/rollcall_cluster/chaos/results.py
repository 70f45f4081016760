"""What a run of chaos gave: raw enough to draw, count and judge from."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rollcall_cluster.chaos.schedule import LeftOut


@dataclass(slots=True)
class FaultRecord:
    """One fault as it went; `began`, `ended` and `settled` are seconds of the run.

    `rate_seconds` and `backlog_seconds` count from the end of the damage, or, where the deployment had
    to recover by itself, from its begin. None: not within what was watched.
    """

    number: int
    round: int
    name: str
    detail: str = ""
    began: float = 0.0
    ended: float = 0.0
    settled: float | None = None
    rate_before: float = 0.0
    rate_seconds: float | None = None
    backlog_seconds: float | None = None
    disturbed_seconds: float | None = None
    """From the begin of the damage until the rate was back."""
    limit_seconds: float = 0.0
    unready: list[str] = field(default_factory=list)
    """Replicas that were still not ready 90 s later, and what they said."""
    problem: str | None = None
    """Why it could not be inflicted or undone."""

    @property
    def recovered(self) -> bool:
        """Tell whether the rate was back within the limit, and then every replica ready."""
        in_time = self.rate_seconds is not None and self.rate_seconds <= self.limit_seconds
        return in_time and self.settled is not None

    @property
    def ok(self) -> bool:
        """Tell whether it went as it should."""
        return self.problem is None and self.recovered


@dataclass(slots=True)
class RoundRecord:
    """A deployment of its own, from its first fault to its audit."""

    number: int
    began: float
    ended: float = 0.0
    faults: int = 0
    records: int = 0
    """Records that the auditor read."""
    checks: int = 0
    violations: int = 0
    violated: list[str] = field(default_factory=list)
    """Codes with the first example of each."""
    moving: list[str] = field(default_factory=list)
    """What was not at rest when the auditor stopped waiting."""
    idle: list[str] = field(default_factory=list)
    """Replicas that were silently idle."""
    load_failures: int = 0
    problem: str | None = "not audited: the run ended before"
    """Why it was not audited; None once it was."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return not (self.violations or self.idle or self.problem)


@dataclass(slots=True)
class ChaosResult:
    """Everything of a run."""

    seed: int
    instances: int
    rate: float
    session_seconds: int
    started_at: str
    machine: str
    faults: list[FaultRecord] = field(default_factory=list)
    rounds: list[RoundRecord] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    samples: list[tuple[float, int | None, int | None, int, int]] = field(default_factory=list)
    """Time, produced, handled, replicas ready, replicas that should be."""
    interrupted: bool = False

    @property
    def violations(self) -> int:
        """Violations of all audits together."""
        return sum(each.violations for each in self.rounds)

    @property
    def idle(self) -> list[str]:
        """Every replica that was silently idle."""
        return [text for each in self.rounds for text in each.idle]

    @property
    def late(self) -> list[FaultRecord]:
        """Faults after which the rate was not back in time."""
        return [fault for fault in self.faults if fault.problem is None and not fault.recovered]

    @property
    def failed(self) -> list[FaultRecord]:
        """Faults that could not be inflicted or undone."""
        return [fault for fault in self.faults if fault.problem is not None]

    @property
    def ok(self) -> bool:
        """Tell whether every target was reached."""
        return all(each.ok for each in self.rounds) and all(fault.ok for fault in self.faults)

    def raw(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return asdict(self) | {"violations": self.violations, "ok": self.ok}

    @classmethod
    def of_raw(cls, raw: dict[str, Any]) -> "ChaosResult":
        """What raw() gave, again."""
        known = {name: raw[name] for name in cls.__dataclass_fields__}
        known["faults"] = [FaultRecord(**each) for each in raw["faults"]]
        known["rounds"] = [RoundRecord(**each) for each in raw["rounds"]]
        known["left_out"] = [LeftOut(**each) for each in raw["left_out"]]
        known["samples"] = [tuple(sample) for sample in raw["samples"]]
        return cls(**known)
