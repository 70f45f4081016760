"""A record that is published as it once was: not an event of ours, but bytes that are given."""

import msgspec

MAX_ADDED_BYTES = 1024
"""Bound on what publication adds to key, value and given headers: lane-seq, lengths, the batch's header."""


class RawRecord(msgspec.Struct, array_like=True, gc=False):
    """One Kafka record of a raw segment. `topic` is the registry's name, without the prefix."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    @property
    def size_bytes(self) -> int:
        """Bytes of key, value and headers."""
        headers = sum(len(name.encode()) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers
