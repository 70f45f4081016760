"""One deployment as a scenario has it: where to send, what to look at, how long it may take."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest

from rollcall_cluster.auditor import AuditTarget
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.scenarios.findings import BarPlot, Plot
from rollcall_cluster.scenarios.handled import Ledger, Place, open_ledger
from rollcall_cluster.scenarios.instances import Instances
from rollcall_cluster.scenarios.outputs import Outputs
from rollcall_cluster.scenarios.sending import Sender
from rollcall_events import EssayContentProvisionedV1

OnStep = Callable[[str], None]
"""Is told what is done now."""


@dataclass(slots=True)
class Stage:
    """The parties.

    Attributes:
        environment: the variables that name servers, schema, topics and group.
        cluster: servers and instances that are ours, to break and to limit; None on a running deployment.
        duration_seconds: how long a stretch of load may take.
    """

    environment: Mapping[str, str]
    instances: Instances
    sender: Sender
    outputs: Outputs
    ledger: Ledger
    cluster: LocalCluster | None
    duration_seconds: float
    on_step: OnStep

    @property
    def target(self) -> AuditTarget:
        """The deployment as the auditor is told about it."""
        return audit_target(self.environment)

    @property
    def limit_seconds(self) -> float:
        """How long to wait for an outcome before it counts as missing, on a busy machine, too."""
        return self.duration_seconds + 30

    async def partitions_in_turns(self) -> list[int]:
        """Partitions of the contents, neighbours with different instances as far as possible."""
        topic = self.sender.topic(EssayContentProvisionedV1)
        owned = [
            [number for name, number in sorted(view.partitions) if name == topic]
            for view in await self.instances.views()
        ]
        turns = [place for turn in zip_longest(*owned) for place in turn if place is not None]
        return turns or await self.sender.partitions()

    async def settle(self) -> None:
        """Return once all that was sent is handled, published and read."""
        await self.ledger.wait_published(self.sender.newest, self.limit_seconds)
        await self.outputs.catch_up(self.limit_seconds)


def audit_target(environment: Mapping[str, str]) -> AuditTarget:
    """A deployment as the auditor is told about it."""
    names = {f"ROLLCALL_{field.upper()}": field for field in AuditTarget.model_fields}
    return AuditTarget.model_validate(
        {names[name]: value for name, value in environment.items() if name in names}
    )


@asynccontextmanager
async def open_stage(
    environment: Mapping[str, str],
    urls: Sequence[str],
    cluster: LocalCluster | None,
    duration_seconds: float,
    on_step: OnStep,
) -> AsyncIterator[Stage]:
    """Connect to a deployment whose instances are ready."""
    servers = environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
    prefix = environment["ROLLCALL_TOPIC_PREFIX"]
    async with (
        Instances(urls) as instances,
        Sender(servers, prefix) as sender,
        Outputs(servers, prefix) as outputs,
        open_ledger(environment) as ledger,
    ):
        yield Stage(
            environment,
            instances,
            sender,
            outputs,
            ledger,
            cluster,
            duration_seconds,
            on_step,
        )


class Distribution:
    """Who handled how much between two moments: by instance and by partition of the contents."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._before: dict[Place, int] = {}

    async def begin(self) -> "Distribution":
        """Remember where everybody is."""
        self._before = await self._stage.ledger.positions()
        return self

    async def counts(self) -> tuple[dict[str, float], dict[str, float]]:
        """Contents handled since, by instance and by partition.

        A partition's contents are those of the instance that owns it now.
        """
        topic = self._stage.sender.topic(EssayContentProvisionedV1)
        after = await self._stage.ledger.positions()
        handled = {p: n - self._before.get(p, 0) for p, n in after.items() if p[0] == topic}
        by_instance = {
            view.instance_id: float(sum(handled.get(p, 0) for p in view.partitions))
            for view in await self._stage.instances.views()
        }
        return by_instance, {f"{p[1]}": float(handled[p]) for p in sorted(handled)}

    async def plots(self, what: str) -> list[Plot]:
        """The same as pictures."""
        by_instance, by_partition = await self.counts()
        return [
            BarPlot(f"{what}: contents by instance", "", by_instance),
            BarPlot(f"{what}: contents by partition", "", by_partition),
        ]
