"""Handlers and jobs as they were given: what is wrong with them is the program's and blames no record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import iscoroutinefunction, signature
from typing import Any

from rollcall.errors import ConfigurationError


def called(function: object) -> str:
    """The name of a function, a method, a callable object or a partial of one."""
    inner = _inner(function)
    return getattr(inner, "__qualname__", type(inner).__qualname__)


def require_coroutine_function(function: object, what: str) -> None:
    """Refuse what could not be awaited: each record would be blamed for it.

    Raises:
        ConfigurationError: it is none; the message names it.
    """
    inner = _inner(function)
    if not (iscoroutinefunction(inner) or iscoroutinefunction(type(inner).__call__)):
        raise ConfigurationError(
            f"the {what} {called(inner)} is no coroutine function: define it with `async def`,"
            " and let it return its events, not yield them"
        )


def require_parameters(function: Callable[..., Any], what: str, *parameters: str) -> None:
    """Refuse what could not be called with as many arguments: each record would be blamed for it.

    Raises:
        ConfigurationError: it could not; the message names it and the parameters.
    """
    # What a decorator wraps may be called with more than the decorator is.
    takes = signature(function, follow_wrapped=False)
    try:
        takes.bind(*parameters)
    except TypeError as error:
        given = f"({', '.join(parameters)})"
        raise ConfigurationError(
            f"the {what} {called(function)} cannot be called with {given}: {error};"
            f" define it with the parameters {given}, and any others with defaults"
        ) from error


@contextmanager
def naming(function: object) -> Iterator[None]:
    """Have a mistake of the program tell in which handler it is."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{called(function)}: {error}") from error


def _inner(function: object) -> object:
    while isinstance(function, partial):
        function = function.func
    return function
