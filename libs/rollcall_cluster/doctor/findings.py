"""What an examination found: the model behind the table and the JSON document."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

NOTHING_FOUND, FOUND, COULD_NOT_LOOK = 0, 1, 2


class Verdict(StrEnum):
    """What a check says, from good to bad."""

    OK = "ok"
    UNSEEN = "could not look"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(BaseModel):
    """One thing that one check found."""

    model_config = ConfigDict(frozen=True)

    check: str
    looks_at: str
    verdict: Verdict
    found: str = ""
    """What is there, with its value; why nothing could be seen."""
    remedy: str = ""
    """The command to run or the setting to change."""


class Examination(BaseModel):
    """All findings, in the order of the checks; a check that found nothing has one that says ok."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[Finding, ...]
    duration_seconds: float

    def count(self, verdict: Verdict) -> int:
        """Findings with this verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def problems(self) -> int:
        """Findings that must be mended."""
        return self.count(Verdict.PROBLEM)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> int:
        """Findings that may bite later."""
        return self.count(Verdict.WARNING)

    def exit_code(self, fail_on: Verdict) -> int:
        """0: nothing as bad as `fail_on`; 1: something is; 2: nothing is, but some side was not seen."""
        bad = self.problems + (self.warnings if fail_on is Verdict.WARNING else 0)
        if bad:
            return FOUND
        return COULD_NOT_LOOK if self.count(Verdict.UNSEEN) else NOTHING_FOUND
