"""The directory that holds a local cluster: $ROLLCALL_HOME, or .rollcall where you are."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rollcall.access.environment import file_variable
from rollcall_cluster.embedded.file_lock import file_lock
from rollcall_cluster.embedded.servers import KAFKA_VARIABLE, POSTGRES_VARIABLE
from rollcall_cluster.local.errors import ClusterError


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
    def _cluster_file(self) -> Path:
        return self.directory / "cluster.json"

    @property
    def has_cluster(self) -> bool:
        """Tell whether a cluster was brought up here and not taken down."""
        return self._cluster_file.exists()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every replica was started with; raises ClusterError without a cluster."""
        return self._remembered["environment"]

    @property
    def external_addresses(self) -> dict[str, str]:
        """The variables of servers that are not embedded; raises ClusterError without a cluster."""
        return self._remembered["external"]

    @property
    def _remembered(self) -> dict[str, dict[str, str]]:
        try:
            content: dict[str, dict[str, str]] = json.loads(self._cluster_file.read_text())
        except FileNotFoundError:
            raise ClusterError(
                f"there is no cluster in {self.directory}",
                "`rollcall up` starts one; ROLLCALL_HOME names another directory",
            ) from None
        return content

    def remember_cluster(self, environment: dict[str, str], external: dict[str, str]) -> None:
        """Keep what the replicas were told, for those that come later and for other commands."""
        content = json.dumps({"environment": environment, "external": external}, indent=2)
        # Addresses of servers that are not ours may have passwords in them.
        self._cluster_file.touch(mode=0o600)
        self._cluster_file.chmod(0o600)
        self._cluster_file.write_text(content)

    def forget_cluster(self) -> None:
        """The cluster is down."""
        self._cluster_file.unlink(missing_ok=True)

    def wipe(self) -> None:
        """Delete everything; the servers must have been wiped before."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time change the cluster."""
        self.instances.mkdir(parents=True, exist_ok=True)
        with file_lock(self.directory / ".lock"):
            yield


def adopt_environment() -> None:
    """Point this process at the local cluster, unless the environment names any server itself."""
    home = Home.current()
    naming = {KAFKA_VARIABLE, POSTGRES_VARIABLE, file_variable(POSTGRES_VARIABLE)}
    named = os.environ.keys() & naming
    if home.has_cluster and not named:
        for variable, value in home.environment.items():
            os.environ.setdefault(variable, value)
