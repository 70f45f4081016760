"""What happens when an armed failpoint is reached."""

import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from rollcall.failpoints import FailpointName
from rollcall_cluster.failpoints.names import FAILPOINTS


class Action(StrEnum):
    """What a process does to itself."""

    KILL = "kill"
    STOP = "stop"

    @property
    def signal(self) -> signal.Signals:
        """The signal that the process sends to itself; neither can be caught."""
        return signal.SIGKILL if self is Action.KILL else signal.SIGSTOP


@dataclass(slots=True, frozen=True)
class Trigger:
    """Act when `failpoint` is reached for the `nth` time; written NAME:ACTION[:NTH]."""

    failpoint: FailpointName
    action: Action
    nth: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read NAME:ACTION[:NTH].

        Raises:
            ValueError: it is none, with what is possible.
        """
        name, _, rest = text.partition(":")
        action, _, nth = rest.partition(":")
        if name not in FAILPOINTS:
            raise ValueError(f"{name!r} is no failpoint; --list shows all")
        if action not in [*Action]:
            raise ValueError(f"{text!r}: the action is one of {', '.join(Action)}")
        if nth and (not nth.isdecimal() or int(nth) < 1):
            raise ValueError(f"{text!r}: count from 1, the first time")
        return cls(FAILPOINTS[name], Action(action), int(nth or 1))

    def __str__(self) -> str:
        return f"{self.failpoint}:{self.action}:{self.nth}"

    @property
    def notice(self) -> str:
        """The line that the process writes to its standard error before it acts."""
        return f"failpoint reached: {self}"


class Arming:
    """Counts how often each failpoint is reached, and acts at the triggers."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._triggers = {(trigger.failpoint, trigger.nth): trigger for trigger in triggers}
        self._times: Counter[FailpointName] = Counter()

    def __call__(self, failpoint: FailpointName) -> None:
        """Note that `failpoint` is reached; acts at once or returns."""
        self._times[failpoint] += 1
        if trigger := self._triggers.get((failpoint, self._times[failpoint])):
            os.write(2, f"{trigger.notice}\n".encode())
            os.kill(os.getpid(), trigger.action.signal)
