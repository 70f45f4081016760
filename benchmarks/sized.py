"""Marks what a command measures with the sizes that it was given."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.results import CUSTOM, FULL, QUICK, of_sizes

# How carefully it is measured and where it is kept; every other option says what is measured.
_NO_SIZES = frozenset({"quick", "patience", "attempts", "write", "out", "logs"})


def sized(command: Callable[..., None]) -> Callable[..., None]:
    """The command with its results marked as full where its options have their defaults."""
    parameters = inspect.signature(command).parameters

    @functools.wraps(command)
    def run(**options: Any) -> None:
        with of_sizes(_sizes(parameters, options)):
            command(**options)

    return run


def _sizes(parameters: Mapping[str, inspect.Parameter], options: Mapping[str, Any]) -> str:
    if options.get("quick"):
        return QUICK
    chosen = options.keys() - _NO_SIZES
    as_usual = all(options[name] == parameters[name].default for name in chosen)
    return FULL if as_usual else CUSTOM
