"""The process that reads one shard. Started by `workers`; imported by nobody.

Takes a `ShardJob` as JSON on standard input, and answers on standard output with a JSON document on each
line: `{"advance": n}` while it reads, then `{"records": {..}}` or `{"error": ".."}`.
"""

import asyncio
import gc
import json
import sys
from typing import Any

from rollcall_cluster.auditor.errors import CannotAuditError
from rollcall_cluster.auditor.failures import failures_named
from rollcall_cluster.auditor.shard import ShardJob, read_shard

# Told in steps of so many records: each costs a line.
_TOLD_RECORDS = 10_000


class _Told:
    """Progress as lines."""

    def __init__(self) -> None:
        self._untold = 0

    def begin(self, stage: str, total: int | None) -> None:
        """There is one stage."""

    def advance(self, steps: int) -> None:
        """Tell in large steps."""
        self._untold += steps
        if self._untold >= _TOLD_RECORDS:
            _answer(advance=self._untold)
            self._untold = 0
            gc.collect()


def _answer(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Do the job that stands on standard input."""
    # Records come and go by the thousand and hold no cycles: looking for some takes a tenth of the time.
    # What the client leaves behind after a fetch does, and holds megabytes: collected by records read.
    gc.freeze()
    gc.disable()
    job = ShardJob.model_validate_json(sys.stdin.read())
    try:
        with failures_named():
            _answer(records=asyncio.run(read_shard(job, _Told())))
    except CannotAuditError as error:
        _answer(error=str(error))


if __name__ == "__main__":
    main()
