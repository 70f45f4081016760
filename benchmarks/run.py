"""One measured run: a fresh deployment, real replicas, a backlog released at once, a checked answer.

What is measured: the clock starts when the transaction that holds the backlog is told to commit,
which is just before a contestant can consume its first event. It stops when the last completion has
reached a read_committed consumer. Registrations are handled and every connection, statement and
lane is warm by then; producing the input and checking the answer are outside.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import answers, usage
from benchmarks.deployment import Deployment
from benchmarks.errors import BenchmarkError
from benchmarks.feeding import Feeder
from benchmarks.load import Load
from benchmarks.observer import CompletionObserver
from benchmarks.replicas import Contestant, Replicas
from benchmarks.usage import Usage
from rollcall_cluster.embedded import EmbeddedServers
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

WARM_UP = Load("warm-up", batches=20, slots=50)
_START_SECONDS = 60
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
    round: int
    events: int
    batches: int
    seconds: float = 0.0
    usage: Usage | None = None
    idle_rss_bytes: int = 0
    peak_rss_bytes: int = 0
    problems: Sequence[str] = field(default_factory=list)

    @property
    def events_per_second(self) -> float:
        """Content events from release to the last completion; 0 for a wrong answer."""
        return self.events / self.seconds if self.seconds and not self.problems else 0.0


async def measure(
    servers: EmbeddedServers, contestant: Contestant, load: Load, number: int, logs: Path
) -> Measurement:
    """Run one contestant on a load; a contestant that fails gives a measurement with problems."""
    name = f"bench-{contestant.kind}-{contestant.replicas}-{number}-{time.time_ns():x}"
    if contestant.events is not None:
        load = load.prefix(contestant.events)
    about = (contestant.kind, contestant.replicas, number, load.events, load.batches)
    try:
        async with (
            Deployment(servers, name) as deployment,
            Feeder(deployment.bootstrap_servers, deployment.prefix) as feeder,
            CompletionObserver(deployment) as observer,
        ):
            if not contestant.speaks_http:
                deployment.add_outbox()
            with Replicas(contestant, deployment.environment, logs) as replicas:
                race = _Race(deployment, feeder, observer, replicas)
                await race.warm_up()
                idle_rss = max(replica.rss_bytes for replica in replicas.all)
                seconds, used = await race.run(load)
                peak_rss = replicas.peak_rss_bytes
            answer = await answers.collect(deployment)
    except BenchmarkError as error:
        return Measurement(*about, problems=[str(error)])
    wrong = answers.problems(answer, [WARM_UP, load])
    return Measurement(*about, seconds, used, idle_rss, peak_rss, wrong)


@dataclass(frozen=True, slots=True)
class _Race:
    """The parties of one run."""

    deployment: Deployment
    feeder: Feeder
    observer: CompletionObserver
    replicas: Replicas

    async def warm_up(self) -> None:
        """Wait for every replica to be in place, then have all of them do some real work."""
        members = self.replicas.contestant.replicas
        await self.deployment.wait_for_members(members, _START_SECONDS)
        await self.replicas.wait_lanes_shared(_START_SECONDS)
        await self._register(WARM_UP, WARM_UP.batches)
        await self._provision(WARM_UP)

    async def run(self, load: Load) -> tuple[float, Usage]:
        """Seconds from release to the last completion, and what they cost."""
        await self._register(load, WARM_UP.batches + load.batches)
        return await self._provision(load)

    async def _register(self, load: Load, batches_then: int) -> None:
        topic = self.deployment.topic(BatchEssaysRegisteredV1)
        await self.feeder.send(topic, load.registrations())
        await self.deployment.wait_for_batches(batches_then, _START_SECONDS)

    async def _provision(self, load: Load) -> tuple[float, Usage]:
        batch_ids = load.batch_ids
        limit_seconds = _START_SECONDS + load.events / _SLOWEST_EVENTS_PER_SECOND
        await self.feeder.hold(self.deployment.topic(EssayContentProvisionedV1), load.contents())
        self.deployment.settle()
        before = usage.measure(self.deployment, self.replicas)
        started = time.perf_counter()
        await self.feeder.release()
        finished = await self.observer.wait_for(batch_ids, limit_seconds, self.replicas.check_alive)
        used = usage.measure(self.deployment, self.replicas).since(before)
        return finished - started, used
