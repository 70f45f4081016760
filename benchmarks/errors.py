"""What ends a benchmark early."""

from rollcall.errors import RollcallError


class BenchmarkError(RollcallError):
    """A contestant or a server did not do what the measurement needs: the message says which."""
