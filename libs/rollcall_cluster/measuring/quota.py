"""CPU quotas through control groups: a replica on a machine of its own, as far as CPU goes."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rollcall_cluster.measuring.errors import MeasurementError

_V1 = Path("/sys/fs/cgroup/cpu")
_V2 = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
_EMPTY_SECONDS = 5.0
_REMEDY = "CPU quotas need a writable cpu control group ({error}): run as root, or in a container that may"


def cpu_limit(share_of_core: float) -> tuple[int, int]:
    """Quota and period in microseconds; pure.

    Raises:
        ValueError: the share is not positive, or less than the kernel's smallest quota (1 ms).
    """
    quota = round(share_of_core * _PERIOD_US)
    if quota < 1000:
        raise ValueError(f"{share_of_core} of a core is less than the kernel can limit to")
    return quota, _PERIOD_US


def why_no_quota() -> str:
    """Why processes cannot be limited here, and what would help; empty if they can."""
    try:
        group = _group("probe", *cpu_limit(0.5))
    except OSError as error:
        return _REMEDY.format(error=error)
    group.rmdir()
    return ""


@contextmanager
def limited(pids: Sequence[int], share_of_core: float) -> Iterator[None]:
    """Give each process so much of a core, in a group of its own, until the block ends.

    Raises:
        MeasurementError: control groups cannot be written here.
    """
    quota, period = cpu_limit(share_of_core)
    groups: list[Path] = []
    try:
        groups.extend(_limit(pid, quota, period) for pid in pids)
        yield
    except OSError as error:
        raise MeasurementError(_REMEDY.format(error=error)) from error
    finally:
        for group in groups:
            _remove(group)


def _limit(pid: int, quota: int, period: int) -> Path:
    group = _group(str(pid), quota, period)
    (group / "cgroup.procs").write_text(str(pid))
    return group


def _group(name: str, quota: int, period: int) -> Path:
    """A new group with a limit; nobody is in it yet."""
    v1 = (_V1 / "cpu.cfs_quota_us").exists()
    group = (_V1 if v1 else _V2) / f"rollcall-{os.getpid()}-{name}"
    group.mkdir()
    try:
        if v1:
            (group / "cpu.cfs_period_us").write_text(str(period))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {period}")
    except OSError:
        group.rmdir()
        raise
    return group


def _remove(group: Path) -> None:
    """Its processes go back to the root group; the kernel wants an empty group."""
    procs, root = group / "cgroup.procs", group.parent / "cgroup.procs"
    deadline = time.monotonic() + _EMPTY_SECONDS
    while time.monotonic() < deadline:
        for pid in procs.read_text().split():
            try:
                root.write_text(pid)
            except ProcessLookupError:
                continue  # it has ended meanwhile
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise MeasurementError(f"{group} cannot be removed: processes are still in it")
