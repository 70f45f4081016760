"""Real servers for every test: one set for the run, a database and topics for each test."""

from pathlib import Path

import pytest

from tests.fixtures.run import ServerSet

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.database",
    "tests.fixtures.topics",
    "tests.fixtures.services",
]

_TESTS = Path(__file__).parent
_TIERS = ("unit", "db", "messaging", "services", "cluster")


def pytest_configure(config: pytest.Config) -> None:
    """Decide where the run's servers live; nothing starts before a test needs it."""
    config.stash[ServerSet.key] = ServerSet.of_worker(config) or ServerSet.new()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell an xdist worker which servers are the run's."""
    node.workerinput[ServerSet.worker_input] = node.config.stash[ServerSet.key].as_worker_input()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop and delete the servers at the end of the run, also after a failure or Ctrl-C."""
    servers = config.stash.get(ServerSet.key, None)
    if servers is not None and not hasattr(config, "workerinput"):
        servers.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folder is the tier is the marker."""
    for item in items:
        tier = item.path.relative_to(_TESTS).parts[0]
        if tier in _TIERS:
            item.add_marker(getattr(pytest.mark, tier))
