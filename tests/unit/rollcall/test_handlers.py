"""What may be a handler or a job: what could never be called or awaited is refused where it is registered."""

from collections.abc import AsyncIterator, Sequence
from functools import partial, wraps
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

    async def job(self, _tx: Any) -> list[Any]:
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


class CallableJob:
    """An object that is called as a job is."""

    async def __call__(self, _tx: Any) -> list[Any]:
        return []


async def function(_received: Sequence[Any], _tx: Any) -> list[Any]:
    return []


async def job(_tx: Any) -> list[Any]:
    return []


async def anything(*_: Any) -> list[Any]:
    return []


async def with_more(_received: Sequence[Any], _tx: Any, _more: int = 1, *, _name: str = "") -> None:
    """What a service needs for itself has defaults, or is bound by a partial."""


async def without_default(_received: Sequence[Any], _tx: Any, *, _name: str) -> None:
    """It needs what nobody gives it."""


async def of_three(_first: Any, _received: Sequence[Any], _tx: Any) -> None:
    """A handler once its first parameter is bound."""


@wraps(of_three)
async def wrapping(*given: Any) -> None:
    """Decorated: what it wraps has another signature."""
    await of_three("first", *given)


def plain(_received: Sequence[Any], _tx: Any) -> list[Any]:
    return []


async def generator(_received: Sequence[Any], _tx: Any) -> AsyncIterator[Any]:
    yield None


@pytest.mark.parametrize(
    "handler",
    [
        function,
        anything,
        with_more,
        wrapping,
        partial(without_default, _name="name"),
        Handlers().method,
        Callable(),
        Callable().__call__,
        partial(of_three, "first"),
        partial(Handlers().method),
        partial(partial(Callable())),
    ],
)
def test_whatever_takes_records_and_transaction_may_be_a_handler(handler: Any) -> None:
    service = Service(ServiceSettings(), TOPICS)
    assert service.on(BatchEssaysRegisteredV1)(handler) is handler


@pytest.mark.parametrize(
    "given",
    [
        job,
        anything,
        Handlers().job,
        CallableJob(),
        partial(function, ()),
        partial(partial(Handlers().method, ())),
    ],
)
def test_whatever_takes_a_transaction_may_be_a_job(given: Any) -> None:
    assert Service(ServiceSettings(), TOPICS).every(1, "job")(given) is given


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


@pytest.mark.parametrize(
    ("handler", "name", "why"),
    [
        (job, "job", "too many positional arguments"),
        (of_three, "of_three", "missing a required argument: '_tx'"),
        (without_default, "without_default", "missing a required .*argument: '_name'"),
        (Handlers.method, r"Handlers\.method", "missing a required argument: '_tx'"),
        (Handlers().job, r"Handlers\.job", "too many positional arguments"),
        (CallableJob(), "CallableJob", "too many positional arguments"),
        (partial(function, ()), "function", "too many positional arguments"),
        (partial(function, _tx=None), "function", "too many positional arguments"),
    ],
)
def test_a_handler_of_other_parameters_is_refused_by_its_name(
    handler: Any, name: str, why: str
) -> None:
    register = Service(ServiceSettings(), TOPICS).on(BatchEssaysRegisteredV1)
    expected = (
        rf"^the handler {name} cannot be called with \(received, tx\): {why}; .* \(received, tx\)"
    )
    with pytest.raises(ConfigurationError, match=expected):
        register(handler)


@pytest.mark.parametrize(
    ("given", "name", "why"),
    [
        (function, "function", "missing a required argument: '_tx'"),
        (Handlers().method, r"Handlers\.method", "missing a required argument: '_tx'"),
        (partial(job, None), "job", "too many positional arguments"),
    ],
)
def test_a_job_of_other_parameters_is_refused_by_its_name(given: Any, name: str, why: str) -> None:
    register = Service(ServiceSettings(), TOPICS).every(1, "job")
    expected = rf"^the job {name} cannot be called with \(tx\): {why}; .* \(tx\)"
    with pytest.raises(ConfigurationError, match=expected):
        register(given)


async def test_a_service_without_a_handler_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match=r"no handler is registered: call service\.on"):
        await Service(ServiceSettings(), TOPICS).serve()


def test_a_wrong_definition_asks_for_no_restart() -> None:
    assert ConfigurationError.exit_code is ExitCode.MISCONFIGURED
