"""A thousand replicas and ten thousand partitions come to rest, and nothing is handled twice."""

from benchmarks.simulation.run import Size, simulate


async def test_a_large_deployment_comes_to_rest() -> None:
    """Crashes, zombies and restarts included, on the runtime's own decisions."""
    outcome = await simulate(Size(replicas=1000, partitions=10_000, records=6, chunk_records=20))
    assert outcome.violations == []
    assert outcome.conflicts > 0, "no zombie ever tried to commit"
    for rebalance in outcome.rebalances:
        assert rebalance.most - rebalance.fewest <= 1
        assert rebalance.reads == rebalance.members, "one query for all partitions of a replica"
    for settling in outcome.settlings:
        assert settling.beats <= 10
