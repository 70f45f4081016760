"""How batches fill, for the console: the fullest open ones and those that ended last."""

from typing import Any

from rollcall import load_queries
from rollcall.console.documents import Fill, Fills

_MOST_OPEN = 500
_SHOWN_OPEN = 12
_SHOWN_ENDED = 4
_MOST_COUNTED = 10_000


class BatchFills:
    """Reads the batches on the connection it is given, each statement bounded."""

    def __init__(self) -> None:
        self._open, self._ended, self._totals = load_queries(
            "essay_lifecycle_service.store",
            "fills.sql",
            "open_batches",
            "ended_batches",
            "totals",
        )

    async def read(self, connection: Any) -> Fills:
        """One look."""
        open_rows = await connection.fetch(self._open, _MOST_OPEN, _SHOWN_OPEN)
        ended_rows = await connection.fetch(self._ended, _SHOWN_ENDED)
        totals = await connection.fetchrow(self._totals, _MOST_COUNTED)
        found = open_rows[0]["found"] if open_rows else 0
        # One that ended between the two statements is in both: it is shown as it is now.
        ended = {row["batch_id"] for row in ended_rows}
        still_open = [row for row in open_rows if row["batch_id"] not in ended]
        return Fills(
            title="Batches",
            open=found,
            open_more=found >= _MOST_OPEN,
            ended=totals["ended"],
            ended_more=totals["ended"] >= _MOST_COUNTED,
            pending=totals["pending"],
            pending_more=totals["pending"] >= _MOST_COUNTED,
            oldest_pending_at=totals["oldest_pending_at"],
            shown=[_fill(row) for row in (*still_open, *ended_rows)],
        )


def _fill(row: Any) -> Fill:
    return Fill(
        id=str(row["batch_id"]),
        label=row["course_code"],
        state=row["state"],
        slots=row["expected_count"],
        filled=row["filled_count"],
        failed=row["failed_count"],
        missing=row["missing_count"],
        pending=row["pending"],
        since=row["registered_at"],
        ended_at=row["ended_at"],
    )
