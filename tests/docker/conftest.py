"""One rig for all tests of this folder; without an engine they fail and say what to install."""

import os
from collections.abc import Iterator

import httpx
import pytest

from tests.docker.engine import missing
from tests.docker.exporters import provide
from tests.docker.rig import Rig


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """The rig: built, up and healthy with three replicas and the exporters; removed at the end."""
    if what := missing():
        pytest.fail(what)
    rig = Rig(f"rollcall-test-{os.getpid()}")
    rig.compose("build", "els", seconds=900)
    provide()
    try:
        rig.up()
        yield rig
    finally:
        rig.down()


@pytest.fixture(scope="module")
def prometheus(rig: Rig) -> Iterator[httpx.Client]:
    """Prometheus' API, after a load that a replica handled by every way in."""
    load = ("--profile", "mixed", "--batches", "20", "--rate", "150")
    rig.compose("run", "--rm", "-T", "event_generator", *load)
    with httpx.Client(base_url=rig.url("HTTP"), timeout=30) as client:
        for _ in range(10):
            client.post("/v1/events", content=b"[{}]")
    with httpx.Client(base_url=rig.url("PROMETHEUS"), timeout=10) as api:
        yield api
