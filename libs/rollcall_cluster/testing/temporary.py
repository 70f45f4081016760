"""A cluster that ends with the test, or the session of tests, that has it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.home import Home

INSTANCES_VARIABLE = "ROLLCALL_TEST_INSTANCES"
"""URLs of running instances, separated by commas; without it a cluster is started."""
COUNT_VARIABLE = "ROLLCALL_TEST_ELS_COUNT"
"""How many instances such a cluster has; 3 by default."""


def els_count() -> int:
    """What the environment says of the number of instances."""
    return int(os.environ.get(COUNT_VARIABLE, "3"))


@contextmanager
def temporary_cluster(instances: int) -> Iterator[dict[str, str]]:
    """Servers and ready instances, as the variables that name them; stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="rollcall-testing-") as directory:
        home = Path(directory)
        home.chmod(0o755)  # the user that runs PostgreSQL for root passes through
        cluster = LocalCluster(Home(home), owner_pid=os.getpid())
        try:
            cluster.up(instances, lambda _: None)
            urls = ",".join(replica.url for replica in cluster.replicas)
            yield {**cluster.home.environment, INSTANCES_VARIABLE: urls}
        finally:
            cluster.down(lambda _: None, wipe=True)


@contextmanager
def session_cluster() -> Iterator[dict[str, str]]:
    """The instances that the environment names, else a temporary cluster."""
    if os.environ.get(INSTANCES_VARIABLE):
        yield {}
        return
    with temporary_cluster(els_count()) as variables:
        yield variables
