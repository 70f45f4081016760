"""The pinned jars of Kafka, and where they are kept."""

import sys
from pathlib import Path

import pytest

from rollcall_cluster.embedded.kafka_jars import KAFKA_VERSION, cache_directory, pinned_jars


def test_every_jar_is_pinned_once_by_hash_and_size():
    """A jar without a hash could be anything."""
    jars = pinned_jars()
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in jars)


def test_the_pinned_kafka_is_the_stated_version():
    """The broker, its clients and its server parts are of one release."""
    versions = {jar.version for jar in pinned_jars() if jar.group == "org.apache.kafka"}
    assert versions == {KAFKA_VERSION}


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch):
    """ROLLCALL_CACHE_DIR wins over XDG_CACHE_HOME."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    if sys.platform == "linux":
        assert cache_directory() == Path("/xdg/rollcall")
    monkeypatch.setenv("ROLLCALL_CACHE_DIR", "/own")
    assert cache_directory() == Path("/own")
