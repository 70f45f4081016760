"""One rig for all tests of this folder; without an engine they fail and say what to install."""

import os
from collections.abc import Iterator

import pytest

from tests.docker.engine import missing
from tests.docker.rig import Rig


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """The rig: built, up and healthy with three replicas; removed at the end."""
    if what := missing():
        pytest.fail(what)
    rig = Rig(f"rollcall-test-{os.getpid()}")
    rig.compose("build", "els", seconds=900)
    try:
        rig.up()
        yield rig
    finally:
        rig.down()
