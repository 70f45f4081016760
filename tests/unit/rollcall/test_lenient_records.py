"""Batches are read as aiokafka reads them, and on where it would give up."""

from typing import Any

import pytest
from aiokafka.record._crc32c import crc as crc32c
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from rollcall.consumer.lenient_records import LenientRecords

_NO_COMPRESSION, _ZSTD = 0, 4


def _batch(
    names: list[bytes], *, base_offset: int = 0, compression: int = _NO_COMPRESSION
) -> bytes:
    """A batch with one record for each header name; names are written as they are."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1 << 20)
    for number, name in enumerate(names):
        stand_in = "x" * len(name)
        builder.append(number, 1_000, b"key", b"value", [(stand_in, b"header")])
    built = bytearray(builder.build())
    built[0:8] = base_offset.to_bytes(8, "big")
    if compression == _NO_COMPRESSION:
        for name in names:
            at = built.index(b"x" * len(name), 61)
            built[at : at + len(name)] = name
        built[17:21] = crc32c(bytes(built[21:])).to_bytes(4, "big")
    return bytes(built)


def _read(fetched: bytes, reader: Any) -> list[tuple[Any, ...]]:
    records = reader(fetched)
    found = []
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        found += [
            (
                batch.next_offset,
                batch.is_control_batch,
                record.offset,
                record.timestamp,
                record.key,
                record.value,
                tuple(record.headers),
            )
            for record in batch
        ]
    assert records.next_batch() is None
    return found


@pytest.mark.parametrize("compression", [_NO_COMPRESSION, _ZSTD])
@pytest.mark.parametrize("cut", [0, 7, 20])
def test_good_batches_are_read_as_aiokafka_reads_them(compression: int, cut: int) -> None:
    whole = _batch([b"aa", b"bbb"], compression=compression) + _batch(
        [b"cccc"], base_offset=2, compression=compression
    )
    fetched = whole[: len(whole) - cut]
    assert _read(fetched, LenientRecords) == _read(fetched, MemoryRecords)
    assert LenientRecords(fetched).size_in_bytes() == len(fetched)


def test_records_of_the_format_without_headers_are_read() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 1 << 20)
    builder.append(0, 1_000, b"key", b"value")
    fetched = bytes(builder.build())
    (record,) = list(LenientRecords(fetched).next_batch())
    assert (record.offset, record.value) == (0, b"value")


@pytest.mark.parametrize("bad", range(3))
def test_a_name_that_is_no_text_is_escaped_and_its_neighbours_are_read(bad: int) -> None:
    names = [b"good"] * 3
    names[bad] = b"\xff\xfe!"
    fetched = _batch(names) + _batch([b"after"], base_offset=3)
    with pytest.raises(UnicodeDecodeError):
        _read(fetched, MemoryRecords)
    found = _read(fetched, LenientRecords)
    assert [record[2] for record in found] == [0, 1, 2, 3]
    assert found[bad][-1] == (("\\xff\\xfe!", b"header"),)
    assert {record[4:6] for record in found} == {(b"key", b"value")}
