"""Signals that end a command which has servers and folders of its own: none of them is left behind."""

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_on_signals() -> None:
    """SIGTERM and SIGHUP end what runs with SystemExit, so that everything open is closed, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _exit)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup leaves it
        signal.signal(signal.SIGHUP, _exit_silently)


def ignore_signals() -> None:
    """Let nothing disturb the end, which takes a second or two."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signals_as_before() -> Iterator[None]:
    """What signals do is afterwards what it was."""
    before = [signal.getsignal(number) for number in _ENDING]
    try:
        yield
    finally:
        for number, handler in zip(_ENDING, before, strict=True):
            signal.signal(number, handler)


def _exit(number: int, _frame: object) -> None:
    """An event loop ends between two callbacks: asyncpg, torn out of one, can end the process by SIGSEGV."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _raise_exit(number)
    else:
        loop.call_soon_threadsafe(_raise_exit, number)


def _raise_exit(number: int) -> None:
    raise SystemExit(128 + number)


def _exit_silently(number: int, frame: object) -> None:
    """The terminal is gone: what is written to it fails, and must not end the deletion."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode):
                os.dup2(nothing, stream)
    _exit(number, frame)
