"""Addresses in the environment replace embedded servers."""

from pathlib import Path

import pytest

from rollcall_cluster.embedded import EmbeddedKafka, EmbeddedServers, ExternalServer

_ADDRESSES = {
    "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": "broker-1:9092,broker-2:9092",
    "ROLLCALL_POSTGRES_DSN": "postgresql://db/rollcall",
    "ROLLCALL_REDIS_URL": "redis://cache:6379/0",
}


def test_addresses_of_the_environment_are_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """With all three given, nothing is embedded, and nothing is written."""
    for variable, address in _ADDRESSES.items():
        monkeypatch.setenv(variable, address)
    with EmbeddedServers(tmp_path / "unused") as servers:
        assert servers.environment == _ADDRESSES
        assert servers.embedded == ()
    assert not (tmp_path / "unused").exists()


def test_each_server_is_replaced_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """PostgreSQL of one's own beside an embedded Kafka."""
    for variable in _ADDRESSES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("ROLLCALL_POSTGRES_DSN", "postgresql://db/rollcall")
    servers = EmbeddedServers(tmp_path)
    assert servers.postgres == ExternalServer("postgres", "postgresql://db/rollcall")
    assert isinstance(servers.kafka, EmbeddedKafka)


def test_what_is_started_and_what_is_only_used_is_told_apart(tmp_path: Path):
    """Nobody reads that servers of somebody else are started."""
    postgres = {"ROLLCALL_POSTGRES_DSN": _ADDRESSES["ROLLCALL_POSTGRES_DSN"]}
    told = [EmbeddedServers(tmp_path, given).beginning for given in ({}, postgres, _ADDRESSES)]
    assert told == [
        "starting Kafka, PostgreSQL and Redis",
        "starting Kafka and Redis, using the given PostgreSQL",
        "using the given Kafka, PostgreSQL and Redis",
    ]
