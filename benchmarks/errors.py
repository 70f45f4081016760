"""What ends a benchmark early."""


class BenchmarkError(Exception):
    """A contestant or a server did not do what the measurement needs: the message says which."""
