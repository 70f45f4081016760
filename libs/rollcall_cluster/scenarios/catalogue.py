"""Every scenario by its name, in the order in which they run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from rollcall_cluster.scenarios import (
    completion,
    coordination,
    performance,
    race_conditions,
    redis_consistency,
    scaling,
)
from rollcall_cluster.scenarios.findings import Finding
from rollcall_cluster.scenarios.stage import Stage


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done, and on what.

    Attributes:
        settings: variables of the instances that differ from the others'; None: any will do.
        own_deployments: it stops the instances, makes deployments of its own and audits them.
    """

    name: str
    title: str
    run: Callable[[Stage, Finding], Awaitable[None]]
    settings: Mapping[str, str] | None = field(default_factory=dict)
    own_deployments: bool = False


SCENARIOS = {
    each.name: each
    for each in (
        Scenario(
            "race_conditions",
            "Race conditions: the same event many times, many contents for one slot",
            race_conditions.run,
        ),
        Scenario(
            "coordination",
            "Coordination: six essays at several instances get six slots",
            coordination.run,
        ),
        Scenario(
            "completion",
            "Completion: batches that different instances fill are completed once",
            completion.run,
        ),
        Scenario(
            "performance",
            "High concurrency and performance: contention, burst, even stream, memory",
            performance.run,
        ),
        Scenario(
            "redis_consistency",
            "Redis consistency: contention, death, loss of data",
            redis_consistency.run,
            {"ROLLCALL_FILTER_ENABLED": "true"},
        ),
        Scenario(
            "scaling",
            "Scaling: one, three and five instances under equal CPU quotas",
            scaling.run,
            settings=None,
            own_deployments=True,
        ),
    )
}
ALL = "all"
