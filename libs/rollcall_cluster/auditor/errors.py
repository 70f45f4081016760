"""Errors of the auditor."""


class AuditorError(Exception):
    """Base of all errors raised by the auditor."""


class CannotAuditError(AuditorError):
    """A deployment could not be checked at all; the message says what was tried and what to do."""


class NotAtRestError(CannotAuditError):
    """Rest was required and did not come within the time allowed; the message says what still moves."""
