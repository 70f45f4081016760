"""A long array of an event, encoded page by page as its items are read, and once for all events."""

from collections.abc import Sequence
from typing import Any

import orjson


class JsonArray:
    """Stands for a list or tuple in the fields of events that repeat it, as its JSON.

    The items themselves need not be in memory together. They are encoded as they are: strings,
    numbers, dictionaries and lists of such, and None.
    """

    def __init__(self) -> None:
        self._pages: list[bytes] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def extend(self, items: Sequence[Any]) -> None:
        """Encode further items."""
        if items:
            self._pages.append(orjson.dumps(items)[1:-1])
            self._length += len(items)

    def to_json(self) -> bytes:
        """The whole array."""
        if len(self._pages) > 1:
            self._pages = [b",".join(self._pages)]
        return b"[" + b"".join(self._pages) + b"]"
