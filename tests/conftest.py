"""Real servers for every test: one set for the run, a database and topics for each test."""

from pathlib import Path

import hypothesis
import pytest

from tests.fixtures.files import keep_in_memory
from tests.fixtures.run import ServerSet
from tests.fixtures.stack import STACKS, Stack

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.database",
    "tests.fixtures.topics",
    "tests.fixtures.services",
]

_TESTS = Path(__file__).parent
_TIERS = (
    "unit",
    "db",
    "coordination",
    "messaging",
    "services",
    "security",
    "cluster",
    "docker",
    "browser",
)
_TIERS_OF_SERVERS = _TIERS[:-2]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the same tests run on servers of three kinds, and up to a tier."""
    parser.addoption(
        "--tier",
        choices=_TIERS_OF_SERVERS,
        help="--tier=NAME runs this tier and all before it: unit < db < coordination < messaging < services < cluster",
    )
    parser.addoption(
        "--stack",
        choices=STACKS,
        default="embedded",
        help="where Kafka, PostgreSQL and Redis come from: embedded (default), docker (containers of"
        " this run), external (the ROLLCALL_* variables name them)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Decide where the run's servers live; embedded ones start when a test needs them.

    How long an example takes says nothing on a machine that is busy with other things.
    """
    hypothesis.settings.register_profile(
        "busy_machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("busy_machine")
    keep_in_memory()
    config.stash[ServerSet.key] = ServerSet.of_worker(config) or ServerSet.new()
    if not hasattr(config, "workerinput"):
        config.stash[Stack.key] = Stack.chosen(config.getoption("--stack"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell an xdist worker which servers are the run's."""
    node.workerinput[ServerSet.worker_input] = node.config.stash[ServerSet.key].as_worker_input()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop and delete the servers at the end of the run, also after a failure or Ctrl-C."""
    servers = config.stash.get(ServerSet.key, None)
    if servers is not None and not hasattr(config, "workerinput"):
        servers.close()
        config.stash.get(Stack.key, Stack()).close()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Tests in a browser need packages that only `make test-console` installs."""
    if collection_path == _TESTS / "browser" and config.option.markexpr != "browser":
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The folder is the tier is the marker; `--tier` takes a tier with all before it."""
    last = config.getoption("--tier")
    wanted = _TIERS[: _TIERS.index(last) + 1] if last else None
    left_out = []
    for item in items:
        tier = _tier(item)
        if tier in _TIERS:
            item.add_marker(getattr(pytest.mark, tier))
        if wanted and tier not in wanted:
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _tier(item) in (wanted or ())]


def _tier(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]
