"""The directory that holds a local cluster: $ROLLCALL_HOME, or .rollcall where you are."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rollcall.access.environment import file_variable
from rollcall_cluster.embedded import EmbeddedServers
from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.embedded.file_lock import file_lock, lock_within
from rollcall_cluster.embedded.servers import KAFKA_VARIABLE, POSTGRES_VARIABLE
from rollcall_cluster.local.errors import ClusterError

_OWNED = "It ends with the process that holds a lock on this file.\n"
_REPLICAS = ("els-*", "scaling-*")


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
    def _lock_file(self) -> Path:
        return self.directory / ".lock"

    @property
    def _marker(self) -> Path:
        return self.directory / ".rollcall-home"

    @property
    def is_marked(self) -> bool:
        """Tell whether it says itself that it is a home."""
        return self._marker.exists()

    @property
    def is_ours(self) -> bool:
        """Tell whether it is a home; those of earlier versions have no marker."""
        return self.is_marked or self._is_our_cluster_file or _is_our_lock(self._lock_file)

    @property
    def _is_our_cluster_file(self) -> bool:
        try:
            content = json.loads(self._cluster_file.read_text())
            return {"environment", "external"} == set(content)
        except (OSError, ValueError, TypeError):
            return False

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
        """Delete all that is ours, running servers included; what others put here stays."""
        EmbeddedServers(self.servers, {}).wipe()
        for pattern in _REPLICAS:
            for file in self.instances.glob(pattern):
                file.unlink(missing_ok=True)
        for file in (self._cluster_file, self._lock_file, self._marker):
            file.unlink(missing_ok=True)
        for directory in (self.servers, self.instances, self.directory):
            with suppress(OSError):
                directory.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time change the cluster; the home is made if there is none.

        Raises:
            ClusterError: it cannot be made, or has files of others where ours would be.
        """
        with ExitStack() as held:
            with self._usable():
                self._make()
                held.enter_context(file_lock(self._lock_file))
            yield

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Make a home that belongs to this process, which others see until it ends.

        Raises:
            ClusterError: it cannot be made.
        """
        with ExitStack() as held:
            with self._usable():
                self.directory.mkdir(parents=True)
                partial = self._marker.with_suffix(".partial")
                marker = held.enter_context(partial.open("w+"))
                lock_within(marker)
                marker.write(_OWNED)
                marker.flush()
                partial.rename(self._marker)
            yield

    def claim(self) -> IO[str] | None:
        """The marker of a home whose owner is gone, locked until it is closed; else None."""
        with suppress(OSError, EmbeddedServerError), ExitStack() as opened:
            marker = opened.enter_context(self._marker.open("r+"))
            lock_within(marker, 0)
            if self.is_marked and marker.read() == _OWNED:
                opened.pop_all()
                return marker
        return None

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ClusterError(
                f"{self.directory} cannot be used: {error}", "ROLLCALL_HOME names another directory"
            ) from error

    def _make(self) -> None:
        if not self.is_ours and (foreign := self._foreign()):
            raise ClusterError(
                f"{foreign} is in the way and not ours", "ROLLCALL_HOME names another directory"
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        self._marker.touch()
        self.instances.mkdir(exist_ok=True)

    def _foreign(self) -> Path | None:
        """What is where entries of ours would be, although this is no home."""
        if self._cluster_file.exists():
            return self._cluster_file
        if self._lock_file.exists() and self._lock_file.read_bytes():
            return self._lock_file
        for server in EmbeddedServers(self.servers, {}).embedded:
            if server.directory.exists() and not _is_our_lock(server.directory / ".lock"):
                return server.directory
        return next((file for each in _REPLICAS for file in self.instances.glob(each)), None)


def _is_our_lock(file: Path) -> bool:
    try:
        return file.read_bytes().startswith(b"process ")
    except OSError:
        return False


def adopt_environment() -> None:
    """Point this process at the local cluster, unless the environment names any server itself."""
    home = Home.current()
    naming = {KAFKA_VARIABLE, POSTGRES_VARIABLE, file_variable(POSTGRES_VARIABLE)}
    named = os.environ.keys() & naming
    if home.has_cluster and not named:
        for variable, value in home.environment.items():
            os.environ.setdefault(variable, value)
