"""The segment format: version byte, then zstd over MessagePack of the records."""

from collections.abc import Sequence

import msgspec
import zstandard

from rollcall.errors import RollcallError
from rollcall.outbox.event import OutgoingRecord
from rollcall.outbox.raw_record import RawRecord

# Releases that know only the first refuse the second, instead of publishing half of what it says.
_EVENTS = b"\x01"
_RAW = b"\x02"
_MAX_DECODED_BYTES = 256 * 1024 * 1024


class SegmentCodec:
    """Encodes and decodes segments, reusing its compression contexts. Not for several threads."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._decompressor = zstandard.ZstdDecompressor()
        self._encoder = msgspec.msgpack.Encoder()
        self._events = msgspec.msgpack.Decoder(list[OutgoingRecord])
        self._raw = msgspec.msgpack.Decoder(list[RawRecord])

    def encode(self, records: Sequence[OutgoingRecord | RawRecord]) -> bytes:
        """Pack events into the payload of one segment row: raw as soon as one of them has headers."""
        if RawRecord in {type(record) for record in records}:
            return self.encode_raw([_raw(record) for record in records])
        return _EVENTS + self._compressor.compress(self._encoder.encode(records))

    def encode_raw(self, records: Sequence[RawRecord]) -> bytes:
        """Pack records of other producers, with their headers, into the payload of one segment row."""
        return _RAW + self._compressor.compress(self._encoder.encode(records))

    def decode(self, payload: bytes) -> list[OutgoingRecord] | list[RawRecord]:
        """Unpack a payload.

        Raises:
            RollcallError: the payload has a version that this release does not know.
        """
        version = payload[:1]
        if version not in (_EVENTS, _RAW):
            raise RollcallError(
                f"segment format {version.hex()!r} is unknown: a newer release wrote it; run that"
                " release until its segments are published"
            )
        packed = self._decompressor.decompress(payload[1:], max_output_size=_MAX_DECODED_BYTES)
        return self._events.decode(packed) if version == _EVENTS else self._raw.decode(packed)


def _raw(record: OutgoingRecord | RawRecord) -> RawRecord:
    if isinstance(record, RawRecord):
        return record
    return RawRecord(record.topic, record.key, record.value, [])
