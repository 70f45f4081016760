"""The watch over who lets us in: it tells what it meets, and survives it."""

import asyncio
from pathlib import Path

import pytest

from rollcall import ServiceSettings
from rollcall.access import watch
from rollcall.access.watch import AccessWatch
from tests.eventually import eventually


@pytest.fixture
def unreadable(tmp_path: Path) -> ServiceSettings:
    """Nobody is there, and the certificates have gone since the start."""
    authority = tmp_path / "ca.pem"
    authority.touch()
    settings = ServiceSettings(
        kafka_bootstrap_servers="127.0.0.1:1",
        kafka_security_protocol="SSL",
        kafka_ssl_ca_file=authority,
        postgres_dsn="postgresql://nobody@127.0.0.1:1/nowhere",
    )
    authority.unlink()
    return settings


async def test_certificates_that_cannot_be_read_are_a_problem_as_long_as_there_is_another(
    unreadable: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_PAUSE_SECONDS", 0.01)
    others = ["blind"]
    looking = AccessWatch(unreadable, lambda: others)
    task = asyncio.create_task(looking.run())
    await eventually(looking.problems)
    (problem,) = looking.problems()
    assert "the certificates for Kafka cannot be used" in problem
    others.clear()
    await eventually(lambda: not looking.problems())
    assert not task.done()
    task.cancel()
