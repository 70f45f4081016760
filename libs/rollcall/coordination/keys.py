"""Names of keys. Those that one script works on share a hash tag, so that a Cluster keeps them together."""

from collections.abc import Iterable
from zlib import crc32

_BUCKETS = 256


class Keys:
    """Keys below one prefix, which one deployment has for itself."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def bucket(self, name: str) -> int:
        """The same for every key that speaks of `name`."""
        return crc32(name.encode()) % _BUCKETS

    def of(self, kind: str, name: str) -> str:
        """The key of a kind for `name`, in the bucket of `name`."""
        return f"{{{self._prefix}:{self.bucket(name)}}}:{kind}:{name}"

    def of_all(self, kinds: Iterable[str], name: str) -> list[str]:
        """The keys of several kinds for `name`."""
        tag = f"{{{self._prefix}:{self.bucket(name)}}}"
        return [f"{tag}:{kind}:{name}" for kind in kinds]

    def fence(self, name: str) -> str:
        """The fencing numbers of the bucket of `name`."""
        return f"{{{self._prefix}:{self.bucket(name)}}}:fence"

    def channel(self, client: str) -> str:
        """The channel that wakes waiters of one client."""
        return f"{self._prefix}:wake:{client}"
