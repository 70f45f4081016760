"""Apache Kafka's jars: pinned by hash, fetched from Maven Central once for each user."""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.embedded.file_lock import file_lock

KAFKA_VERSION = "4.2.1"

_MAVEN_CENTRAL = "https://repo.maven.apache.org/maven2"
_PARALLEL_DOWNLOADS = 6
_TIMEOUT_SECONDS = 60

Advance = Callable[[int], None]  # told the number of bytes that arrived


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned file of a Maven repository."""

    sha256: str
    size: int  # bytes
    group: str
    artifact: str
    version: str

    @property
    def file_name(self) -> str:
        """Its name in the repository and in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def pinned_jars() -> tuple[Jar, ...]:
    """Return Kafka and everything it runs with, in class path order."""
    return locked_jars(resources.files(__package__).joinpath("kafka_jars.lock").read_text())


def locked_jars(lock: str) -> tuple[Jar, ...]:
    """Read pins, one in a line: sha256, bytes, Maven coordinates."""
    rows = (line.split() for line in lock.splitlines() if not line.startswith("#"))
    return tuple(
        Jar(sha256, int(size), *coordinates.split(":")) for sha256, size, coordinates in rows
    )


def cache_directory() -> Path:
    """Return where downloads are kept: $ROLLCALL_CACHE_DIR, or the platform's place for caches."""
    if override := os.environ.get("ROLLCALL_CACHE_DIR"):
        return Path(override)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rollcall"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rollcall"


def ensure_kafka_jars() -> tuple[Path, ...]:
    """Return the paths of all jars, downloading them first if the cache has none.

    Safe in several processes at once. Raises EmbeddedServerError when a download fails.
    """
    return ensure_jars(f"Apache Kafka {KAFKA_VERSION}", f"kafka-{KAFKA_VERSION}", pinned_jars())


def ensure_jars(title: str, folder_name: str, jars: tuple[Jar, ...]) -> tuple[Path, ...]:
    """The same for any set of jars, kept in a folder of the cache."""
    folder = cache_directory() / folder_name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                _download_all(title, jars, folder)
    return tuple(folder / jar.file_name for jar in jars)


def _download_all(title: str, jars: tuple[Jar, ...], folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with _progress(title, jars) as advance, ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
            list(pool.map(lambda jar: _download(jar, partial, advance), jars))
    except Exception as error:
        raise EmbeddedServerError(
            f"{title} could not be downloaded: {error}",
            f"check the connection to {_repository()} (proxies: HTTPS_PROXY; a mirror: "
            "ROLLCALL_MAVEN_URL), or point ROLLCALL_KAFKA_BOOTSTRAP_SERVERS at a Kafka of your own",
        ) from error
    shutil.rmtree(partial / "repository")
    partial.rename(folder)


def _download(jar: Jar, folder: Path, advance: Advance) -> None:
    fetched = _maven(folder / "repository", advance).project(jar.group, jar.artifact)
    path = fetched.at_version(jar.version).artifact().resolve()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 != jar.sha256:
        raise ValueError(f"{jar.file_name} has SHA-256 {sha256}, not {jar.sha256}")
    path.rename(folder / jar.file_name)


def _maven(repository: Path, advance: Advance) -> Any:
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def report(_file_name: str, _size: int) -> Iterator[Advance]:
        yield advance

    return MavenContext(
        resolver=PythonResolver(progress_callback=report),
        repo_cache=repository,
        remote_repos={"maven": _repository()},
        timeout=_TIMEOUT_SECONDS,
    )


def _repository() -> str:
    return os.environ.get("ROLLCALL_MAVEN_URL", _MAVEN_CENTRAL).rstrip("/")


@contextmanager
def _progress(title: str, jars: tuple[Jar, ...]) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    console = Console(stderr=True)
    total_bytes = sum(jar.size for jar in jars)
    title = f"Downloading {title}"
    if not console.is_terminal:
        console.print(f"{title} ({total_bytes / 1e6:.0f} MB, once)")
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total_bytes)
        yield lambda arrived: progress.advance(task, arrived)
