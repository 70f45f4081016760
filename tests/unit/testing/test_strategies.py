"""Whom the client of a cluster asks."""

from collections import Counter

import httpx
import pytest

from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.testing import ClusterClient, MultiInstanceTestManager, Strategy

URLS = ("http://a", "http://b", "http://c")


def client(strategy: Strategy, down: str = "", unready: str = "") -> ClusterClient:
    """A client of three instances, of which some are down and some are not ready."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host in down:
            raise httpx.ConnectError("refused", request=request)
        is_probe = request.url.path == "/healthz/ready"
        return httpx.Response(503 if is_probe and request.url.host in unready else 200)

    made = ClusterClient(URLS, strategy, seed=7)
    made._http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return made


async def asked(cluster: ClusterClient, count: int, key: str = "") -> list[str]:
    """The hosts that answered so many requests."""
    async with cluster:
        return [(await cluster.get("/", key=key)).request.url.host for _ in range(count)]


async def test_round_robin_asks_one_after_the_other() -> None:
    assert await asked(client(Strategy.ROUND_ROBIN), 6) == list("abcabc")


async def test_random_asks_everybody_about_equally() -> None:
    counts = Counter(await asked(client(Strategy.RANDOM), 300))
    assert all(70 <= counts[host] <= 130 for host in "abc")


async def test_first_healthy_asks_the_first_that_is_ready() -> None:
    assert await asked(client(Strategy.FIRST_HEALTHY), 2) == ["a", "a"]
    assert await asked(client(Strategy.FIRST_HEALTHY, down="a", unready="b"), 2) == ["c", "c"]


async def test_sticky_keeps_to_one_instance_for_a_key_and_spreads_keys() -> None:
    hosts = [await asked(client(Strategy.STICKY), 3, key=f"batch-{n}") for n in range(20)]
    assert all(len(set(same)) == 1 for same in hosts)
    assert {same[0] for same in hosts} == set("abc")


@pytest.mark.parametrize("strategy", Strategy)
async def test_an_instance_that_is_down_costs_no_request(strategy: Strategy) -> None:
    assert set(await asked(client(strategy, down="a"), 10, key="x")) <= set("bc")


async def test_nobody_left_is_an_error() -> None:
    with pytest.raises(ClusterError):
        await asked(client(Strategy.ROUND_ROBIN, down="abc"), 1)


def test_services_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ClusterError, match="pipeline"):
        MultiInstanceTestManager(pipeline_count=2)
