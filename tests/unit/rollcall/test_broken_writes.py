"""Which errors tell of a write to a connection that has just broken, and which of something else."""

from typing import Any

import pytest

from rollcall.coordination.broken_writes import is_broken_write


def _error_of_taking(name: str, obj: Any) -> AttributeError:
    with pytest.raises(AttributeError) as raised:
        getattr(obj, name)
    return raised.value


def test_uvloops_word_is_one() -> None:
    assert is_broken_write(
        RuntimeError("unable to perform operation on <TCPTransport closed=True>")
    )


def test_the_word_of_asyncio_in_python_3_12_is_one() -> None:
    assert is_broken_write(_error_of_taking("_add_writer", None))


@pytest.mark.parametrize(
    "error",
    [
        RecursionError("a kind of RuntimeError"),
        NotImplementedError(),
        _error_of_taking("_add_writer", object()),
        _error_of_taking("another", None),
        ValueError(),
    ],
    ids=repr,
)
def test_mistakes_are_none(error: Exception) -> None:
    assert not is_broken_write(error)
