"""The exporters' images: those of the engine, of a registry, or stand-ins that are made here.

`python -m tests.docker.exporters` comes before `docker compose --profile exporters up -d --wait` on a machine that
reaches no image registry. The stand-ins need `go`, Debian's packages, and the service's own image.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COMPOSE = ("docker", "compose", "-f", "docker-compose.distributed-test.yml")
_BUILD_SECONDS, _PULL_SECONDS, _LOOK_SECONDS = 1200, 600, 60

_POSTGRES = "github.com/prometheus-community/postgres_exporter"
_VERSION = "github.com/prometheus/common/version.Version"
_PROGRAM_IMAGE = """\
FROM scratch
COPY exporter /exporter
USER 65534:65534
ENTRYPOINT ["/exporter"]
"""
_REDIS_IMAGE = """\
FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -qy --no-install-recommends prometheus-redis-exporter \\
 && rm -rf /var/lib/apt/lists/*
USER 65534:65534
ENTRYPOINT ["prometheus-redis-exporter"]
"""
_KAFKA_IMAGE = """\
ARG ROLLCALL
FROM ${ROLLCALL}
COPY kafka_series.py /opt/kafka_series.py
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s CMD ["python", "-c", \
  "import urllib.request as r; r.urlopen('http://127.0.0.1:9308/metrics', timeout=5)"]
ENTRYPOINT ["python", "/opt/kafka_series.py"]
"""


class ExporterError(Exception):
    """An image can neither be had nor made; says why."""


def provide() -> list[str]:
    """Have every exporter's image in the engine; returns how each came there.

    Raises:
        ExporterError: one can neither be pulled nor made.
    """
    services = json.loads(
        _run(*_COMPOSE, "--profile", "exporters", "config", "--format", "json").stdout
    )["services"]
    images = {name: services[name]["image"] for name in _MAKERS}
    return [_provide(name, image, services["els"]["image"]) for name, image in images.items()]


def _provide(service: str, image: str, rollcall: str) -> str:
    if _succeeds("docker", "image", "inspect", image):
        return f"{image}: there"
    if _succeeds(*_COMPOSE, "--profile", "exporters", "pull", "-q", service):
        return f"{image}: pulled"
    with tempfile.TemporaryDirectory(prefix="rollcall-exporter-") as made:
        from_what = _MAKERS[service](Path(made), image.rpartition(":")[2])
        arguments = ("--build-arg", f"ROLLCALL={rollcall}") if service == "kafka_exporter" else ()
        _run("docker", "build", "-q", "-t", image, *arguments, made, seconds=_BUILD_SECONDS)
    return f"{image}: a stand-in, {from_what}"


def _make_postgres(folder: Path, version: str) -> str:
    """The program of that version, compiled from its Go module as the main module."""
    if shutil.which("go") is None:
        raise ExporterError(
            "the exporter of PostgreSQL cannot be pulled, and there is no `go` to compile it"
        )
    module = f"{_POSTGRES}@{version}"
    found = json.loads(
        _run("go", "mod", "download", "-json", module, seconds=_BUILD_SECONDS).stdout
    )
    source = folder / "source"
    _run("cp", "-r", "--no-preserve=mode", found["Dir"], str(source))  # the cache cannot be written
    linking = f"-s -w -X {_VERSION}={version.removeprefix('v')}"
    command = ("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", linking)
    _run(
        *(*command, "-o", str(folder / "exporter"), "./cmd/postgres_exporter"),
        seconds=_BUILD_SECONDS,
        folder=source,
        CGO_ENABLED="0",
    )
    shutil.rmtree(source)
    (folder / "Dockerfile").write_text(_PROGRAM_IMAGE)
    return "compiled from its Go module"


def _make_redis(folder: Path, version: str) -> str:
    del version  # Debian's is what it is
    (folder / "Dockerfile").write_text(_REDIS_IMAGE)
    return "the program of Debian's package"


def _make_kafka(folder: Path, version: str) -> str:
    del version  # not the program at all: the same series
    shutil.copy(Path(__file__).with_name("kafka_series.py"), folder)
    (folder / "Dockerfile").write_text(_KAFKA_IMAGE)
    return "a program of the tests with the same series"


_MAKERS: dict[str, Callable[[Path, str], str]] = {
    "postgres_exporter": _make_postgres,
    "redis_exporter": _make_redis,
    "kafka_exporter": _make_kafka,
}
"""By service of the compose file."""


def _succeeds(*command: str) -> bool:
    try:
        _run(*command, seconds=_PULL_SECONDS)
    except ExporterError:
        return False
    return True


def _run(
    *command: str, seconds: float = _LOOK_SECONDS, folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise ExporterError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done


if __name__ == "__main__":
    try:
        sys.stdout.write("\n".join(provide()) + "\n")
    except ExporterError as failed:
        sys.exit(str(failed))
