"""Why a database cannot be reconciled."""

from rollcall.errors import RollcallError


class ReconcileError(RollcallError):
    """The database was left as it was; the message says why and what to do."""
