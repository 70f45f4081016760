"""Time as a test tells it."""


class Clock:
    """Seconds that pass when told to."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds
