"""The auditor: checks a deployment from outside, read-only."""

from rollcall_cluster.auditor.audit import AuditOptions, verify
from rollcall_cluster.auditor.errors import AuditorError, CannotAuditError, NotAtRestError
from rollcall_cluster.auditor.report import AuditReport, CheckResult, Example, Outcome
from rollcall_cluster.auditor.target import AuditTarget

__all__ = [
    "AuditOptions",
    "AuditReport",
    "AuditTarget",
    "AuditorError",
    "CannotAuditError",
    "CheckResult",
    "Example",
    "NotAtRestError",
    "Outcome",
    "verify",
]
