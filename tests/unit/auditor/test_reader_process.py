"""What a reader process does beside reading: it tells, and it lets go of what the Kafka client leaves behind."""

import gc
import json
import weakref
from collections.abc import Iterator

import pytest

from rollcall_cluster.auditor.reader_process import _TOLD_RECORDS, _Told


class _Fetched:
    """Bytes in a cycle, as the client's futures leave them."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def no_collector() -> Iterator[None]:
    """As in the process: nothing is collected unless it is asked for."""
    gc.disable()
    yield
    gc.enable()


def test_cycles_are_collected_by_records_read(
    no_collector: None, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _Told()
    left_behind = weakref.ref(_Fetched())
    told.advance(_TOLD_RECORDS - 1)
    assert left_behind() is not None
    told.advance(1)
    assert left_behind() is None
    assert json.loads(capsys.readouterr().out) == {"advance": _TOLD_RECORDS}
