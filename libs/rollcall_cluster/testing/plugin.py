"""A pytest plugin for other projects: the fixture `rollcall_cluster`, up once for the session.

It is imported with every run of pytest that has this package installed, so it imports nothing itself.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rollcall_cluster.testing import MultiInstanceTestManager


@pytest.fixture(scope="session")
def rollcall_cluster_home() -> "Iterator[dict[str, str]]":
    """Variables for `MultiInstanceTestManager.from_env` that name a running cluster, kept for the session."""
    from rollcall_cluster.testing.temporary import session_cluster

    with session_cluster() as variables:
        yield variables


@pytest.fixture
def rollcall_cluster(
    rollcall_cluster_home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> "MultiInstanceTestManager":
    """A manager of the session's cluster, not set up yet: `async with rollcall_cluster as cluster`."""
    from rollcall_cluster.testing import MultiInstanceTestManager

    for variable, value in rollcall_cluster_home.items():
        monkeypatch.setenv(variable, value)
    return MultiInstanceTestManager.from_env()
