"""How an audit tells what it is doing."""

from typing import Protocol


class Progress(Protocol):
    """Hears about the stages of an audit."""

    def begin(self, stage: str, total: int | None) -> None:
        """A stage begins; `total` is the number of steps expected, if that is known."""

    def advance(self, steps: int) -> None:
        """Steps of the current stage were made: records or rows."""


class Silent:
    """Tells nobody."""

    def begin(self, stage: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, steps: int) -> None:
        """Do nothing."""
