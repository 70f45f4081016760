"""Each server has its own link, however its address is written, or is not hurt at all."""

from pathlib import Path

import pytest

from rollcall_cluster.chaos.routes import bypassed, routes

PORTS = {"kafka": 1, "postgres": 2, "redis": 3}


@pytest.fixture(autouse=True)
def _no_variables_of_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


def _environment(dsn: str, redis: str | None = None) -> dict[str, str]:
    return {"ROLLCALL_POSTGRES_DSN": dsn} | ({"ROLLCALL_REDIS_URL": redis} if redis else {})


@pytest.mark.parametrize(
    ("dsn", "addresses"),
    [
        ("postgresql://u@db.example:6432/rollcall", ["db.example:6432"]),
        ("postgresql://u@db.example/rollcall", ["db.example:5432"]),
        ("postgresql://u@/rollcall?host=db.example&port=6432", ["db.example:6432"]),
        ("postgresql://u@/rollcall?host=db.example", ["db.example:5432"]),
        ("postgresql://u@DB.Example/rollcall", ["DB.Example:5432"]),
        ("postgresql://u@a:6432,b:6433/rollcall", ["a:6432", "b:6433"]),
        ("postgresql://u@[::1]:6432/rollcall", ["::1:6432"]),
    ],
)
def test_postgres_has_its_link_as_its_driver_reads_the_address(dsn: str, addresses: list[str]):
    """All that is not known is Kafka's."""
    assert routes(_environment(dsn), PORTS) == {"*": 1, **dict.fromkeys(addresses, 2)}
    assert not bypassed(_environment(dsn))


def test_postgres_is_where_its_variables_say(monkeypatch: pytest.MonkeyPatch):
    """A replica inherits them."""
    monkeypatch.setenv("PGHOST", "db.example")
    assert routes(_environment("postgresql://u@/rollcall"), PORTS)["db.example:5432"] == 2


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("redis://cache.example/0", ["cache.example:6379"]),
        ("rediss://u:p@Cache.example:7000/0", ["Cache.example:7000"]),
        ("redis+sentinel://a,b:26380/main", ["a:26379", "b:26380"]),
        ("redis+cluster://a:7000,b:7001", ["a:7000", "b:7001"]),
    ],
)
def test_redis_has_its_link(url: str, addresses: list[str]):
    """Also the ones that are only asked for others."""
    found = routes(_environment("postgresql://u@db:5432/r", url), PORTS)
    assert found == {"*": 1, "db:5432": 2, **dict.fromkeys(addresses, 3)}


def test_a_unix_socket_passes_no_link(tmp_path: Path):
    """It leads past every proxy."""
    dsn = f"postgresql://u@/rollcall?host={tmp_path}"
    assert routes(_environment(dsn), PORTS) == {"*": 1}
    reason = f"postgres is reached through the UNIX socket {tmp_path}/.s.PGSQL.5432"
    assert bypassed(_environment(dsn)) == {"postgres": reason}


def test_servers_that_only_others_know_pass_no_link_of_theirs():
    """Sentinel and Cluster name them later."""
    environment = _environment("postgresql://u@db/r", "redis+cluster://a:7000")
    assert bypassed(environment) == {
        "redis": "with redis+cluster, redis is reached at addresses that are not known here"
    }


def test_an_address_that_cannot_be_read_is_no_way_to_a_server():
    """What is wrong with it is told by those that connect."""
    assert bypassed(_environment("postgresql://u@db:port/r")) == {
        "postgres": "the address of postgres cannot be read"
    }
    assert not bypassed({})
