"""Runs a module as `python -m` would, and counts its database queries and its Kafka requests.

python -m benchmarks.counted_replica MODULE [ARGUMENT...]

The counts are written to counts.json in $BENCH_STATE_DIRECTORY, once a second.
"""

import json
import os
import runpy
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from asyncpg.connection import Connection

COUNTS = "counts.json"
_WRITE_SECONDS = 1.0


def main() -> None:
    """Count, then be the module."""
    counts: Counter[str] = Counter()
    _count_queries(counts)
    _count_requests(counts)
    folder = Path(os.environ["BENCH_STATE_DIRECTORY"])
    folder.mkdir(parents=True, exist_ok=True)
    writer = threading.Thread(target=_write, args=(counts, folder / COUNTS), daemon=True)
    writer.start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _count_queries(counts: Counter[str]) -> None:
    initialise = Connection.__init__

    def counted(connection: Connection, *arguments: Any, **more: Any) -> None:
        initialise(connection, *arguments, **more)
        connection.add_query_logger(lambda _: counts.update(["queries"]))

    Connection.__init__ = counted


def _count_requests(counts: Counter[str]) -> None:
    send = AIOKafkaConnection.send

    def counted(connection: AIOKafkaConnection, request: Any, *rest: Any, **more: Any) -> Any:
        counts["kafka requests"] += 1
        counts[f"kafka {type(request).__name__}"] += 1
        return send(connection, request, *rest, **more)

    AIOKafkaConnection.send = counted


def _write(counts: Counter[str], file: Path) -> None:
    while True:
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(dict(counts)))
        partial.replace(file)
        time.sleep(_WRITE_SECONDS)


if __name__ == "__main__":
    main()
