"""Reads large logs with several processes: decoding is bound to one core in each."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence

from rollcall_cluster.auditor.errors import CannotAuditError
from rollcall_cluster.auditor.progress import Progress
from rollcall_cluster.auditor.shard import ShardJob

# Below this, starting processes costs more than they save.
WORTH_SHARING_RECORDS = 200_000
# SQLite attaches ten databases at most.
_MAX_WORKERS = 8


def worker_count(records: int, given: int | None = None) -> int:
    """How many processes should read so many records; 0: none but this one."""
    if given is not None:
        return min(given, _MAX_WORKERS)
    return min(os.cpu_count() or 1, _MAX_WORKERS) if records >= WORTH_SHARING_RECORDS else 0


async def run_shards(jobs: Sequence[ShardJob], progress: Progress) -> Counter[str]:
    """Run all jobs side by side; returns how many records each topic had.

    Raises:
        CannotAuditError: a reader failed; the others are stopped.
    """
    tasks = [asyncio.create_task(_run(job, progress)) for job in jobs]
    try:
        return sum(await asyncio.gather(*tasks), Counter())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(job: ShardJob, progress: Progress) -> Counter[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "rollcall_cluster.auditor.reader_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        return await _converse(process, job, progress)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _converse(
    process: asyncio.subprocess.Process, job: ShardJob, progress: Progress
) -> Counter[str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(job.model_dump_json().encode())
    process.stdin.close()
    async for line in process.stdout:
        message = json.loads(line)
        if "records" in message:
            await process.wait()
            return Counter(message["records"])
        if "error" in message:
            raise CannotAuditError(message["error"])
        progress.advance(message["advance"])
    raise CannotAuditError(
        f"a reader process ended with status {await process.wait()} before it had read everything;"
        " see its messages above, or read with one process (--workers 0)"
    )
