"""What a fault is."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from rollcall.errors import RollcallError
from rollcall_cluster.chaos.arena import Arena, Powers

RECOVERY_SECONDS = 60.0
"""Within which a deployment is itself again, whatever it was."""


class NotInflictedError(RollcallError):
    """The damage was not done; the message says why."""


class Fault(ABC):
    """One way to hurt a deployment. An object is used once, or again after `heal`.

    `inflict` and `heal` are bounded and return when it is done. Between them lie `hold_seconds`, or,
    with `unaided`, the time that the deployment takes to recover by itself; with `lingering_seconds`
    the fault stays while the next ones come.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    weight: ClassVar[int] = 2
    """How often it is drawn, against the others."""
    breaks: ClassVar[frozenset[str]] = frozenset()
    """Names of the servers it breaks for everybody: they have to be our own."""
    through: ClassVar[frozenset[str]] = frozenset()
    """Names of the servers to which it needs the replicas' connections in its hands."""
    min_instances: ClassVar[int] = 1
    mounts: ClassVar[bool] = False
    unaided: ClassVar[bool] = False
    hold_seconds: float = 0.0
    lingering_seconds: float = 0.0
    settle_seconds: float = 1.0
    """Least time to watch: its effect may come late."""
    detail: str = ""
    """What was drawn: which replica, how long."""

    @abstractmethod
    async def inflict(self, arena: Arena) -> None:
        """Do the damage."""

    async def heal(self, arena: Arena) -> None:  # noqa: B027 - many have nothing to undo
        """Undo it, as far as that is not the deployment's own task; harmless when there is nothing to undo."""

    def limit_seconds(self, arena: Arena) -> float:
        """The time within which the rate must be back."""
        return RECOVERY_SECONDS

    @classmethod
    def obstacle(cls, powers: Powers) -> str | None:
        """Why it is left out here; None if it is not."""
        foreign = sorted(cls.breaks - powers.embedded)
        if foreign:
            return f"{' and '.join(foreign)} is not ours: it would hurt others"
        for server in sorted(cls.through & powers.bypassed.keys()):
            return powers.bypassed[server]
        if powers.instances < cls.min_instances:
            return f"needs {cls.min_instances} instances"
        if cls.mounts and not powers.can_mount:
            return "needs root on Linux, to mount a small file system"
        return None


def listed(names: Iterable[int]) -> str:
    """Name replicas by their numbers."""
    return ", ".join(f"els-{number}" for number in names)
