"""Lets the Kafka client read records whose header names are not UTF-8.

Brokers take any bytes as a header's name. aiokafka 0.14 decodes names strictly, in the middle of a
batch: one such record would make its partition unreadable for good, together with its neighbours.
"""

import struct
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.legacy_records import LegacyRecordBatch

_LENGTH = struct.Struct(">8xi")
_MAGIC_OFFSET = 16
_FIRST_MAGIC_WITH_HEADERS = 2


def mend_header_names() -> None:
    """Make every consumer of this process read such names with escapes; harmless if repeated."""
    fetcher.MemoryRecords = LenientRecords


class LenientRecords:
    """The batches of one fetch of a partition; stands in for aiokafka's `MemoryRecords`."""

    def __init__(self, fetched: bytes) -> None:
        self._fetched = memoryview(fetched)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Bytes fetched, an incomplete last batch included."""
        return len(self._fetched)

    def has_next(self) -> bool:
        """Whether a complete batch is left."""
        return self._end() is not None

    def next_batch(self) -> Any:
        """The next batch, or None."""
        if (end := self._end()) is None:
            return None
        encoded, self._at = self._fetched[self._at : end], end
        if len(encoded) <= _MAGIC_OFFSET:
            raise CorruptRecordException(f"a batch of {len(encoded)} bytes")
        magic = encoded[_MAGIC_OFFSET]
        if magic < _FIRST_MAGIC_WITH_HEADERS:
            return LegacyRecordBatch(encoded, magic)
        return _Batch(encoded)

    def _end(self) -> int | None:
        left = len(self._fetched) - self._at
        if left < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._fetched, self._at)
        end: int = self._at + _LENGTH.size + length
        return end if end <= len(self._fetched) else None


class _Batch:
    """A batch that is read the fast way, and leniently from the first name that is no text."""

    def __init__(self, encoded: memoryview) -> None:
        self._encoded = encoded
        self._strict = DefaultRecordBatch(encoded)
        self._records = self._read()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strict, name)

    def __iter__(self) -> Iterator[Any]:
        return self._records

    def __next__(self) -> Any:
        return next(self._records)

    def _read(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._strict:
                yield record
                read += 1
            return
        except UnicodeDecodeError:
            lenient = iter(_LenientBatch(self._encoded))
        for number, record in enumerate(lenient):
            if number >= read:
                yield record


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """aiokafka's reader in Python, over a buffer whose parts decode whatever they hold."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _LenientBytes(self._buffer)


class _LenientBytes(bytearray):
    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return _LenientBytes(part) if isinstance(key, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)
