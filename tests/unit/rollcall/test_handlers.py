"""What may be a handler or a job: what could never be awaited is refused where it is registered."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest

from rollcall import Service, ServiceSettings
from rollcall.errors import ConfigurationError
from rollcall.exit_codes import ExitCode
from rollcall_events import BatchEssaysRegisteredV1
from rollcall_events.topics import TOPICS


class Handlers:
    """Handlers of every shape."""

    async def method(self, _received: Sequence[Any], _tx: Any) -> list[Any]:
        return []

    def plain_method(self, _received: Sequence[Any], _tx: Any) -> list[Any]:
        return []


class Callable:
    """An object that is called as a handler is."""

    async def __call__(self, _received: Sequence[Any], _tx: Any) -> list[Any]:
        return []


class PlainCallable:
    """The same, which cannot be awaited."""

    def __call__(self, _received: Sequence[Any], _tx: Any) -> list[Any]:
        return []


async def function(_received: Sequence[Any], _tx: Any, *_: Any) -> list[Any]:
    return []


def plain(_received: Sequence[Any], _tx: Any, *_: Any) -> list[Any]:
    return []


async def generator(_received: Sequence[Any], _tx: Any) -> AsyncIterator[Any]:
    yield None


@pytest.mark.parametrize(
    "handler",
    [
        function,
        Handlers().method,
        Callable(),
        Callable().__call__,
        partial(function, ()),
        partial(Handlers().method),
        partial(partial(Callable())),
    ],
)
def test_whatever_can_be_awaited_may_be_registered(handler: Any) -> None:
    service = Service(ServiceSettings(), TOPICS)
    assert service.on(BatchEssaysRegisteredV1)(handler) is handler
    assert service.every(1, "job")(handler) is handler


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        (plain, "plain"),
        (generator, "generator"),
        (Handlers().plain_method, r"Handlers\.plain_method"),
        (PlainCallable(), "PlainCallable"),
        (PlainCallable, "PlainCallable"),
        (partial(plain, ()), "plain"),
        (partial(partial(PlainCallable())), "PlainCallable"),
        (None, "NoneType"),
    ],
)
def test_what_cannot_be_awaited_is_refused_by_its_name(handler: Any, name: str) -> None:
    service = Service(ServiceSettings(), TOPICS)
    with pytest.raises(ConfigurationError, match=f"^the handler {name} .* `async def`"):
        service.on(BatchEssaysRegisteredV1)(handler)
    with pytest.raises(ConfigurationError, match=f"^the job {name} .* `async def`"):
        service.every(1, "job")(handler)


async def test_a_service_without_a_handler_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match=r"no handler is registered: call service\.on"):
        await Service(ServiceSettings(), TOPICS).serve()


def test_a_wrong_definition_asks_for_no_restart() -> None:
    assert ConfigurationError.exit_code is ExitCode.MISCONFIGURED
