"""How long Redis takes to answer, as a program that coordinates through it sees it."""

import time
from collections.abc import Sequence
from typing import Any

from rollcall.coordination.server import RedisServer


class TimedServer(RedisServer):
    """Notes how long each question takes, from asking for a turn to the answer, in seconds."""

    def __init__(self, url: str, *, answer_seconds: float, connections: int) -> None:
        super().__init__(url, answer_seconds=answer_seconds, connections=connections)
        self.took: list[float] = []

    async def _answer(self, words: Sequence[Any]) -> Any:
        began = time.perf_counter()
        answer = await super()._answer(words)
        self.took.append(time.perf_counter() - began)
        return answer
