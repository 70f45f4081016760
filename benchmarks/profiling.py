"""Where the CPU time of a replica goes: samples of its stack at full rate, by stage, in us for each event.

Samples are taken by py-spy from outside. Each counts for the innermost frame that belongs to a stage, so
that what a library does is charged to the stage that asked for it, unless it is a stage of its own.
"""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import machine, results
from benchmarks.contestants import parse
from benchmarks.errors import BenchmarkError
from benchmarks.run import Conditions, open_stage
from rollcall_cluster.measuring.load import Load

_SAMPLES_PER_SECOND = 100
_LONGEST_SECONDS = 600
_STOP_SECONDS = 30
_LOOP = "event loop, sockets, everything else"
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


async def benchmark(console: Console, conditions: Conditions, load: Load) -> bool:
    """Measure, print, keep the samples by stage; returns whether the answer was right."""
    async with open_stage(conditions, parse("rollcall:1")) as stage:
        await stage.warm_up()
        (replica,) = stage.replicas.all
        with TemporaryDirectory(prefix="rollcall-profile-") as folder:
            samples = Path(folder) / "samples"
            with sampled(replica.pid, samples):
                seconds, used = await stage.run(load)
            counts = by_stage(samples.read_text(encoding="utf-8").splitlines())
        wrong = await stage.problems([load])
    total = 1e6 * used.replicas / load.events
    figures = {f"{name} us": [cost] for name, cost in costs(counts, total).items()}
    busy = {
        "replica": used.replicas,
        "PostgreSQL": used.postgres,
        "Kafka": used.kafka,
        "the benchmark": used.harness,
        "others": used.others,
    }
    console.print(_table(figures, total))
    console.print(
        f"{load.events / seconds:,.0f} events/s while sampled; cores busy: "
        + ", ".join(f"{name} {spent / seconds:.2f}" for name, spent in busy.items())
    )
    file = results.write(
        "profile",
        {
            **machine.describe(conditions.servers),
            "events_per_second": load.events / seconds,
            "samples": dict(counts),
            "figures": figures | {f"cores {k}": [v / seconds] for k, v in busy.items()},
        },
    )
    console.print(f"raw results: {file}", markup=False)
    for problem in wrong:
        console.print(f"[red]wrong answer[/]: {escape(problem)}")
    return not wrong


@contextmanager
def sampled(pid: int, into: Path) -> Iterator[None]:
    """Sample the stacks of a process, one line for each different stack, until the end of the block.

    Raises:
        BenchmarkError: the sampler may not look at the process, or is not installed.
    """
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid)]
    command += ["--native", "--rate", str(_SAMPLES_PER_SECOND), "--duration", str(_LONGEST_SECONDS)]
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
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not any(part in frame for frame in frames[-3:] for part in _WAITING):
            counts[_stage_of(frames)] += int(count)
    return counts


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


def _table(figures: dict[str, list[float]], total: float) -> Table:
    table = Table("stage of a replica", "us for each event", "share")
    for name, (cost,) in figures.items():
        table.add_row(name.removesuffix(" us"), f"{cost:.1f}", f"{cost / total:.0%}")
    table.add_row("together", f"{total:.1f}", "")
    return table
