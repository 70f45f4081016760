"""The segment format: version byte, then zstd over MessagePack of the records."""

from collections.abc import Sequence

import msgspec
import zstandard

from rollcall.errors import RollcallError
from rollcall.outbox.event import OutgoingRecord

_VERSION = b"\x01"
_MAX_DECODED_BYTES = 256 * 1024 * 1024


class SegmentCodec:
    """Encodes and decodes segments, reusing its compression contexts. Not for several threads."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._decompressor = zstandard.ZstdDecompressor()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[OutgoingRecord])

    def encode(self, records: Sequence[OutgoingRecord]) -> bytes:
        """Pack records into the payload of one segment row."""
        return _VERSION + self._compressor.compress(self._encoder.encode(records))

    def decode(self, payload: bytes) -> list[OutgoingRecord]:
        """Unpack a payload.

        Raises:
            RollcallError: the payload has a version that this release does not know.
        """
        if payload[:1] != _VERSION:
            raise RollcallError(
                f"segment format {payload[:1].hex()!r} is unknown: a newer release wrote it; run that"
                " release until its segments are published"
            )
        packed = self._decompressor.decompress(payload[1:], max_output_size=_MAX_DECODED_BYTES)
        return self._decoder.decode(packed)
