"""One measured run: a fresh deployment, real replicas, a backlog released at once, a checked answer.

What is measured: the clock starts when the transaction that holds the backlog is told to commit,
which is just before a contestant can consume its first event. It stops when the last completion has
reached a read_committed consumer. Registrations are handled and every connection, statement and
lane is warm by then; producing the input and checking the answer are outside.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError

from benchmarks import answers, usage
from benchmarks.deployment import Deployment
from benchmarks.observer import CompletionObserver
from benchmarks.replicas import Contestant, Replicas
from benchmarks.usage import Usage
from rollcall_cluster.embedded import EmbeddedServers
from rollcall_cluster.measuring.errors import MeasurementError
from rollcall_cluster.measuring.feeding import Feeder
from rollcall_cluster.measuring.load import Load, Workload
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

_WARM_UP_SLOTS = 50
DISTURBED_SHARE = 0.1
_REHEARSAL_EVENTS = 20_000
_START_SECONDS = 120
_SLOWEST_EVENTS_PER_SECOND = 100


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one run of one contestant gave; CPU in seconds, memory in bytes.

    Attributes:
        idle_rss_bytes: resident memory when warm, before the load; the largest among replicas.
        peak_rss_bytes: most resident memory until the end; the largest among replicas.
        problems: why the answer is wrong; none if it is right.
    """

    contestant: str
    replicas: int
    workload: str
    round: int
    events: int
    batches: int
    seconds: float = 0.0
    usage: Usage | None = None
    idle_rss_bytes: int = 0
    peak_rss_bytes: int = 0
    problems: Sequence[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The contestant's, such as `rollcall x1 skewed`."""
        name = f"{self.contestant} x{self.replicas}"
        return name if self.workload == Workload.KEYED else f"{name} {self.workload}"

    @property
    def others_share(self) -> float:
        """Part of the CPU time used meanwhile that was not the benchmark's; 1 if unknown."""
        return self.usage.others_share if self.usage is not None else 1.0

    @property
    def disturbed(self) -> bool:
        """Others used so much of the machine meanwhile that the time says little."""
        return self.usage is not None and self.others_share > DISTURBED_SHARE

    @property
    def events_per_second(self) -> float:
        """Content events from release to the last completion; 0 for a wrong answer."""
        return self.events / self.seconds if self.seconds and not self.problems else 0.0

    @property
    def costs(self) -> dict[str, float]:
        """What each event cost: CPU time in microseconds by process, WAL in bytes."""
        if self.usage is None:
            return {}
        cpu_us = self.usage.each_us(self.events)
        return {f"{party} cpu us": used for party, used in cpu_us.items()} | {
            "wal bytes": self.usage.wal_bytes / self.events
        }

    def raw(self) -> dict[str, Any]:
        """Everything, for the results file."""
        return asdict(self) | {
            "events_per_second": round(self.events_per_second, 1),
            "others_share": round(self.others_share, 3),
        }


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a measurement runs on.

    Attributes:
        logs: folder for the contestants' logs.
        patience_seconds: how long to wait for a quiet machine before each start.
        attempts: most runs for one measurement while others disturb it.
        tolerant: let disturbed runs count.
    """

    servers: EmbeddedServers
    logs: Path
    patience_seconds: float = 60.0
    attempts: int = 3
    tolerant: bool = False


async def rehearse(conditions: Conditions, contestant: Contestant, load: Load) -> Sequence[str]:
    """Run one once, unmeasured, so that nobody's first round pays for a cold broker's compiler.

    Returns what went wrong, which a measured run will show again.
    """
    patient = replace(conditions, patience_seconds=0)
    run = await _measure_once(patient, contestant, load.prefix(_REHEARSAL_EVENTS), 0)
    return run.problems


async def measure(
    conditions: Conditions, contestant: Contestant, load: Load, number: int
) -> list[Measurement]:
    """Run one contestant on a load until undisturbed; returns every attempt."""
    found: list[Measurement] = []
    while len(found) < conditions.attempts and (not found or found[-1].disturbed):
        found.append(await _measure_once(conditions, contestant, load, number))
    return found


async def _measure_once(
    conditions: Conditions, contestant: Contestant, load: Load, number: int
) -> Measurement:
    """A contestant that fails gives a measurement with problems."""
    load = load.of(contestant.workload)
    if contestant.events is not None:
        load = load.prefix(contestant.events)
    about = (contestant.kind, contestant.replicas, contestant.workload.value, number)
    about_load = (load.events, load.batches)
    try:
        async with open_stage(conditions, contestant) as stage:
            await stage.warm_up()
            idle_rss = max(replica.rss_bytes for replica in stage.replicas.all)
            seconds, used = await stage.run(load)
            peak_rss = stage.replicas.peak_rss_bytes
            wrong = await stage.problems([load])
    except (MeasurementError, KafkaError, OSError) as error:
        return Measurement(*about, *about_load, problems=[str(error) or repr(error)])
    return Measurement(*about, *about_load, seconds, used, idle_rss, peak_rss, wrong)


@asynccontextmanager
async def open_stage(
    conditions: Conditions, contestant: Contestant, partitions: int | None = None
) -> AsyncIterator["Stage"]:
    """A new database and new topics with the contestant's processes on them; all go at the end."""
    name = f"bench-{contestant.kind}-{contestant.replicas}-{time.time_ns():x}".replace("_", "-")
    async with (
        Deployment(conditions.servers, name, partitions) as deployment,
        Feeder(deployment.bootstrap_servers, deployment.prefix) as feeder,
        CompletionObserver(deployment) as observer,
    ):
        if contestant.has_outbox:
            deployment.add_outbox()
        with Replicas(contestant, deployment.environment, conditions.logs) as replicas:
            yield Stage(deployment, feeder, observer, replicas, conditions.patience_seconds)


@dataclass(slots=True)
class Stage:
    """The parties of one run."""

    deployment: Deployment
    feeder: Feeder
    observer: CompletionObserver
    replicas: Replicas
    patience_seconds: float
    registered: int = 0
    """Batches in the tables."""
    _dead_letters: int = 0

    async def warm_up(self) -> None:
        """Wait for every replica to be in place, then have all of them do some real work."""
        await self.wait_in_place()
        await self.prepare(self.warm_up_load)
        await self.provision(self.warm_up_load)

    @property
    def warm_up_load(self) -> Load:
        """What is worked off before anything is measured."""
        return Load("warm-up", self.replicas.contestant.warm_up_batches, _WARM_UP_SLOTS)

    async def wait_in_place(self) -> None:
        """Return once every replica has its partitions and its lanes."""
        contestant = self.replicas.contestant
        members = contestant.replicas * contestant.members
        await self.deployment.wait_for_members(members, _START_SECONDS)
        await self.replicas.wait_lanes_shared(_START_SECONDS)

    async def run(self, load: Load) -> tuple[float, Usage]:
        """Seconds from release to the last completion, and what they cost."""
        await self.prepare(load)
        await usage.wait_quiet(self.patience_seconds)
        before = usage.measure(self.deployment, self.replicas)
        seconds = await self.provision(load)
        return seconds, usage.measure(self.deployment, self.replicas).since(before)

    async def prepare(self, load: Load) -> None:
        """Have the batches registered and their contents in the log, but not readable."""
        await self.register(load)
        await self.hold(load)
        self.deployment.settle()

    async def hold(self, load: Load) -> None:
        """Write the contents to the log, where nobody can read them yet."""
        topic = self.deployment.topic(EssayContentProvisionedV1)
        await self.feeder.hold(topic, load.contents())

    async def register(self, load: Load) -> None:
        """Have the batches registered."""
        topic = self.deployment.topic(BatchEssaysRegisteredV1)
        await self.feeder.send(topic, load.registrations())
        self.registered += load.batches
        if self.replicas.contestant.keeps_tables:
            await self.deployment.wait_for_batches(self.registered, _START_SECONDS)
        else:
            await self.deployment.wait_until_handled(self.feeder.last_offsets, _START_SECONDS)

    async def provision(self, load: Load) -> float:
        """Seconds from the release of what `prepare` held back to the last completion."""
        started = time.perf_counter()
        await self.feeder.release()
        return await self.provisioned(load) - started

    async def provisioned(self, load: Load) -> float:
        """The moment (time.perf_counter) at which all of a released load was announced."""
        self._dead_letters += load.dead_letters
        limit_seconds = _START_SECONDS + load.events / _SLOWEST_EVENTS_PER_SECOND
        return await self.observer.wait_for(
            load.batch_ids, self._dead_letters, limit_seconds, self.replicas.check_alive
        )

    async def problems(self, loads: Sequence[Load], *, by_tables: bool = True) -> list[str]:
        """Wait until every record of the input is handled; then, what is wrong with the answer.

        `loads` are those after the warm-up.
        """
        await self.deployment.wait_until_handled(self.feeder.last_offsets, _START_SECONDS)
        keeps_tables = by_tables and self.replicas.contestant.keeps_tables
        answer = await answers.collect(self.deployment, keeps_tables=keeps_tables)
        return answers.problems(answer, [self.warm_up_load, *loads])
