"""Where the CPU time of a replica goes: samples of its stack, by stage, in us for each event.

At full rate with the workloads that are compared, and at the rates of the latency: half of it, and a few
events a second.

Samples are taken by py-spy from outside. Each counts for the innermost frame that belongs to a stage, so
that what a library does is charged to the stage that asked for it, unless it is a stage of its own.
"""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import machine, results
from benchmarks.contestants import parse
from benchmarks.errors import BenchmarkError
from benchmarks.latency import SLOW_RATE, measure_at_pace, paced_load
from benchmarks.run import Conditions, open_stage
from benchmarks.run import Stage as Deployed
from rollcall_cluster.measuring.load import Load, Workload

_PEAK_LOAD = Load("peak", 100, 500)
# The process stands still while its stack is read: at 100 samples a second it does three fifths of its work.
_AT_FULL_RATE, _AT_A_PACE = 100, 25
_FULL_RATE = {"full": Workload.KEYED, "skewed": Workload.SKEWED, "duplicates": Workload.DUPLICATES}
_LONGEST_SECONDS = 600
_STOP_SECONDS = 30
_LOOP = "event loop, sockets, everything else"
_WRITING = "write (libc"
# What waits looks busy to the sampler.
_WAITING = ("threading.py", "epoll_pwait", "futex", "pthread_cond_", "sem_")


@dataclass(frozen=True, slots=True)
class Stage:
    """Part of an event's way; `parts` are pieces of the paths of its modules."""

    name: str
    parts: Sequence[str]


STAGES = (
    Stage("decoding records", ("rollcall/consumer/decoding", "rollcall/consumer/records")),
    Stage("fetching from Kafka", ("aiokafka/consumer", "rollcall/consumer/lenient_records")),
    Stage("encoding events", ("rollcall/outbox/encoding", "rollcall/outbox/json_array")),
    Stage("segments", ("rollcall/outbox/segment", "rollcall/outbox/buffer")),
    Stage("talking to PostgreSQL", ("asyncpg/", "(protocol.c", "(pgproto.c")),
    Stage("building events", ("essay_lifecycle_service/domain", "rollcall_events/")),
    Stage(
        "handlers",
        tuple(f"essay_lifecycle_service/{m}" for m in ("handlers", "store", "completions")),
    ),
    Stage("publishing to Kafka", ("rollcall/outbox/", "aiokafka/producer")),
    Stage("chunks, positions, ownership", ("rollcall/consumer/",)),
    Stage("Kafka's connections", ("aiokafka/",)),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """Of one rate.

    Attributes:
        at: what the rate is called.
        samples: by stage.
        us: CPU time of the replica for each event, by stage, the largest first.
        writing_share: part of the samples that were in write(2), whoever asked for it.
        cores: in use, by process.
    """

    at: str
    events_per_second: float
    samples: Mapping[str, int]
    us: Mapping[str, float]
    writing_share: float
    cores: Mapping[str, float]


async def benchmark(console: Console, conditions: Conditions, load: Load, seconds: float) -> bool:
    """Measure, print, keep the samples by stage; returns whether the answer was right.

    Args:
        load: worked off at full rate.
        seconds: of each other rate.
    """
    async with open_stage(conditions, parse("rollcall:1")) as stage:
        await stage.warm_up()
        loads = [_PEAK_LOAD]
        unsampled_seconds, _ = await stage.run(_PEAK_LOAD)
        profiles = []
        for at, workload in _FULL_RATE.items():
            loads.append(replace(load, name=f"{load.name}-{at}").of(workload))
            profiles.append(await _at_full_rate(stage, at, loads[-1]))
        rates = {"half": _PEAK_LOAD.events / unsampled_seconds / 2, "slow": SLOW_RATE}
        for at, rate in rates.items():
            loads.append(paced_load(at, rate, seconds))
            profiles.append(await _at_a_pace(stage, at, rate, loads[-1]))
        wrong = await stage.problems(loads)
    for profile in profiles:
        console.print(_table(profile))
    file = results.write(
        "profile",
        {
            **machine.describe(conditions.servers),
            "profiles": [asdict(profile) for profile in profiles],
            "figures": figures(profiles),
        },
    )
    console.print(f"raw results: {file}", markup=False)
    for problem in wrong:
        console.print(f"[red]wrong answer[/]: {escape(problem)}")
    return not wrong


def figures(profiles: Sequence[Profile]) -> dict[str, list[float]]:
    """By name such as `handlers us full`."""
    return {
        f"{stage} us {profile.at}": [cost]
        for profile in profiles
        for stage, cost in profile.us.items()
    }


async def _at_full_rate(stage: Deployed, at: str, load: Load) -> Profile:
    with sampled(_only_replica(stage), _AT_FULL_RATE) as stacks:
        seconds, used = await stage.run(load)
    cpu_us = used.each_us_with_measuring(load.events)
    return profile_of(at, load.events / seconds, stacks, cpu_us)


async def _at_a_pace(stage: Deployed, at: str, rate: float, load: Load) -> Profile:
    with sampled(_only_replica(stage), _AT_A_PACE) as stacks:
        run = await measure_at_pace(stage, at, rate, load)
    return profile_of(at, rate, stacks, run.cpu_us)


def profile_of(at: str, rate: float, stacks: Sequence[str], cpu_us: Mapping[str, float]) -> Profile:
    """From sampled stacks, and the CPU time for each event by process."""
    samples = by_stage(stacks)
    cores = {party: us * rate / 1e6 for party, us in cpu_us.items()}
    us = costs(samples, cpu_us["replica"])
    return Profile(at, rate, dict(samples), us, writing_share(stacks), cores)


def _only_replica(stage: Deployed) -> int:
    (replica,) = stage.replicas.all
    return replica.pid


@contextmanager
def sampled(pid: int, each_second: int) -> Iterator[Sequence[str]]:
    """Sample the stacks of a process until the end of the block; `outer;..;inner COUNT`, empty before.

    Raises:
        BenchmarkError: the sampler may not look at the process, or is not installed.
    """
    stacks: list[str] = []
    with TemporaryDirectory(prefix="rollcall-profile-") as folder:
        samples = Path(folder) / "samples"
        with _sampling(pid, each_second, samples):
            yield stacks
        stacks += samples.read_text(encoding="utf-8").splitlines()


@contextmanager
def _sampling(pid: int, each_second: int, into: Path) -> Iterator[None]:
    """One line for each different stack."""
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid)]
    command += ["--native", "--rate", str(each_second), "--duration", str(_LONGEST_SECONDS)]
    command += ["--format", "raw", "--output", str(into)]
    try:
        sampler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except FileNotFoundError as error:
        raise BenchmarkError(
            "py-spy is not installed: pip install -r requirements/bench.txt"
        ) from error
    try:
        yield
    finally:
        sampler.send_signal(signal.SIGINT)
        try:
            _, errors = sampler.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            sampler.kill()
            sampler.communicate()
            raise BenchmarkError(f"py-spy did not end within {_STOP_SECONDS} s") from None
    if not into.exists():
        raise BenchmarkError(
            f"py-spy could not sample process {pid}: {errors.decode(errors='replace').strip()[-300:]};"
            " it needs root, or kernel.yama.ptrace_scope=0"
        )


def by_stage(lines: Iterable[str]) -> Counter[str]:
    """Samples of each stage, from lines of `outer;..;inner COUNT`; waiting threads are left out."""
    counts: Counter[str] = Counter()
    for frames, count in _busy(lines):
        counts[_stage_of(frames)] += count
    return counts


def writing_share(lines: Iterable[str]) -> float:
    """The part of them that was in write(2)."""
    counts: Counter[bool] = Counter()
    for frames, count in _busy(lines):
        counts[frames[-1].startswith(_WRITING)] += count
    return counts[True] / (counts.total() or 1)


def _busy(lines: Iterable[str]) -> Iterator[tuple[Sequence[str], int]]:
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not any(part in frame for frame in frames[-3:] for part in _WAITING):
            yield frames, int(count)


def costs(counts: Counter[str], total: float) -> dict[str, float]:
    """The total shared out by samples, the largest first."""
    everything = counts.total() or 1
    return {name: total * count / everything for name, count in counts.most_common()}


def _stage_of(frames: Sequence[str]) -> str:
    for frame in reversed(frames):
        for stage in STAGES:
            if any(part in frame for part in stage.parts):
                return stage.name
    return _LOOP


def _table(profile: Profile) -> Table:
    busy = ", ".join(f"{party} {cores:.2f}" for party, cores in profile.cores.items())
    table = Table(
        "stage of a replica",
        "us for each event",
        "share",
        title=f"{profile.events_per_second:,.0f} events/s while sampled, "
        f"{profile.writing_share:.0%} in write(2); cores busy: {busy}",
    )
    total = sum(profile.us.values())
    for stage, cost in profile.us.items():
        table.add_row(stage, f"{cost:.1f}", f"{cost / total:.0%}")
    table.add_row("together", f"{total:.1f}", "")
    return table
