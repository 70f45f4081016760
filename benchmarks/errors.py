"""What ends a benchmark early."""

from rollcall_cluster.measuring.errors import MeasurementError


class BenchmarkError(MeasurementError):
    """A contestant or a server did not do what the measurement needs: the message says which."""
