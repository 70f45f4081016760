"""Ports: nobody is given one that somebody else was given a moment ago."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rollcall_cluster.embedded import ports


@pytest.fixture
def few_ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> range:
    """Only so many ports, none of them reserved by others."""
    few = range(31_901, 31_981)
    monkeypatch.setattr(ports, "_FIRST", few[0])
    monkeypatch.setattr(ports, "_LAST", few[-1])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return few


def _take(number: int) -> list[int]:
    return [ports.free_port() for _ in range(number)]


def test_processes_that_ask_at_once_are_given_different_ports(few_ports: range) -> None:
    """Before, two replicas that started at once could be given the same one, and one ended."""
    with ThreadPoolExecutor(4) as pool:  # each asks with a file and a lock of its own, too
        given = [port for taken in pool.map(_take, [10] * 4) for port in taken]
    assert len(given) == len(set(given)) == 40
    assert set(given) <= set(few_ports)


def test_a_port_is_given_again_once_its_time_is_over(
    few_ports: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none at all is a clear error, not an endless search."""
    monkeypatch.setattr(ports, "_LAST", few_ports[0])
    assert ports.free_port() == few_ports[0]
    with pytest.raises(OSError, match="no free TCP port among 200 tries in 31901-31901"):
        ports.free_port()
    monkeypatch.setattr(ports, "_RESERVED_SECONDS", 0)
    assert ports.free_port() == few_ports[0]


def test_a_spoilt_list_of_ports_is_begun_anew(few_ports: range, tmp_path: Path) -> None:
    """Its writer may have been killed in the middle."""
    ports.free_port()
    (saved,) = tmp_path.iterdir()
    saved.write_text('{"31901": 17')
    assert ports.free_port() in few_ports
