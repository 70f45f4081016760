"""The directory that holds a local cluster: $ROLLCALL_HOME, or .rollcall where you are."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rollcall_cluster.local.errors import ClusterError

_ADDRESSES = (
    "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS",
    "ROLLCALL_POSTGRES_DSN",
    "ROLLCALL_REDIS_URL",
)


@dataclass(frozen=True, slots=True)
class Home:
    """Where the servers, the replicas' states and the logs of one cluster are."""

    directory: Path

    @classmethod
    def current(cls) -> "Home":
        """The home that the environment names."""
        return cls(Path(os.environ.get("ROLLCALL_HOME") or ".rollcall").absolute())

    @property
    def servers(self) -> Path:
        """Directory of the embedded servers."""
        return self.directory / "servers"

    @property
    def instances(self) -> Path:
        """Directory of one state file and one log for each replica."""
        return self.directory / "instances"

    @property
    def _environment_file(self) -> Path:
        return self.directory / "environment.json"

    @property
    def has_cluster(self) -> bool:
        """Tell whether a cluster was brought up here and not taken down."""
        return self._environment_file.exists()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every replica was started with.

        Raises ClusterError if there is no cluster.
        """
        try:
            content: dict[str, str] = json.loads(self._environment_file.read_text())
        except FileNotFoundError:
            raise ClusterError(
                f"there is no cluster in {self.directory}",
                "`rollcall up` starts one; ROLLCALL_HOME names another directory",
            ) from None
        return content

    def remember_environment(self, environment: dict[str, str]) -> None:
        """Keep the variables for replicas, `rollcall env` and others that come later."""
        self._environment_file.write_text(json.dumps(environment, indent=2))

    def forget_environment(self) -> None:
        """The cluster is down."""
        self._environment_file.unlink(missing_ok=True)

    def wipe(self) -> None:
        """Delete everything; the servers must have been wiped before."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time change the cluster."""
        self.instances.mkdir(parents=True, exist_ok=True)
        with (self.directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def adopt_environment() -> None:
    """Point this process at the local cluster, unless the environment names any server itself."""
    home = Home.current()
    if home.has_cluster and not any(os.environ.get(address) for address in _ADDRESSES):
        for variable, value in home.environment.items():
            os.environ.setdefault(variable, value)
