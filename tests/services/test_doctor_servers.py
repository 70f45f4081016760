"""What has to be planted in a server as a whole: a broker's limits of sessions, a pool in between. Long."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from essay_lifecycle_service import migrations_folders
from rollcall.database.migrations import migrate
from rollcall.exit_codes import ExitCode
from rollcall_cluster.embedded import postgres_account
from rollcall_cluster.embedded.kafka import EmbeddedKafka
from rollcall_cluster.embedded.ports import free_port
from tests.eventually import DEADLINE_SECONDS
from tests.fixtures.services import StartService
from tests.fixtures.topics import create_topics
from tests.services.rollcall_command import RollcallCommand

pytestmark = pytest.mark.long

_POOL = """\
[databases]
* = host=127.0.0.1 port={server_port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 10
ignore_startup_parameters = {ignored}
"""
_OURS = (
    "search_path, statement_timeout, transaction_timeout, lock_timeout, jit, plan_cache_mode,"
    " idle_in_transaction_session_timeout, idle_session_timeout"
)


class StrictKafka(EmbeddedKafka):
    """A broker with the limits that Kafka has by default."""

    def _write_properties(self, data_directory: Path, *, port: int, controller_port: int) -> Path:
        properties = super()._write_properties(
            data_directory, port=port, controller_port=controller_port
        )
        text = properties.read_text()
        properties.write_text(text.replace("session.timeout.ms=1000", "session.timeout.ms=6000"))
        return properties


async def test_a_session_timeout_below_the_brokers_least_is_refused_and_found(
    service_process: StartService, service_environment: dict[str, str], tmp_path: Path
) -> None:
    """It used to be "starting" for ever."""
    kafka = StrictKafka(tmp_path / "kafka")
    kafka.start()
    try:
        prefix = await create_topics(kafka.address)
        own = {
            "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": kafka.address,
            "ROLLCALL_TOPIC_PREFIX": prefix,
            "ROLLCALL_SESSION_TIMEOUT_SECONDS": "5.5",
        }
        replica = service_process(**own)
        assert await replica.wait_exit() == ExitCode.MISCONFIGURED
        (failed,) = replica.log_events("service_failed")
        assert "ROLLCALL_SESSION_TIMEOUT_SECONDS=5.5 is outside" in failed["error"]

        printed = await RollcallCommand(service_environment | own)("doctor", "--json", expect=1)
        (found,) = [f for f in json.loads(printed)["findings"] if f["verdict"] == "problem"]
        assert found["check"] == "session-timeout"
        assert "ROLLCALL_SESSION_TIMEOUT_SECONDS=6 or more" in found["remedy"]
    finally:
        kafka.wipe()


@pytest.mark.parametrize(
    ("mode", "ignored", "words"),
    [
        ("session", "", "a proxy refuses the session settings"),
        ("session", _OURS, "session settings did not arrive"),
        ("transaction", _OURS, "two clients were served by one session"),
        ("statement", _OURS, "a proxy pools statements"),
    ],
)
async def test_a_pool_that_does_not_keep_sessions_is_found(
    service_environment: dict[str, str],
    postgres_dsn: str,
    tmp_path: Path,
    mode: str,
    ignored: str,
    words: str,
) -> None:
    """PgBouncer, of Debian; in session mode it must not drop what a session asks for, either."""
    with _pgbouncer(tmp_path, postgres_dsn, mode, ignored) as port:
        direct = service_environment["ROLLCALL_POSTGRES_DSN"]
        pooled = urlsplit(direct)._replace(netloc=f"postgres@127.0.0.1:{port}").geturl()
        command = RollcallCommand(service_environment | {"ROLLCALL_POSTGRES_DSN": pooled})
        expected = 2 if mode == "statement" or not ignored else 1
        printed = await command("doctor", "--json", expect=expected)
    findings = json.loads(printed)["findings"]
    assert any(words in finding["found"] for finding in findings), printed


async def test_a_pool_in_session_mode_is_sound_for_the_lanes(
    service_environment: dict[str, str], postgres_dsn: str, tmp_path: Path
) -> None:
    """Sessions are not shared; that settings are dropped is another matter."""
    migrate(service_environment["ROLLCALL_POSTGRES_DSN"], "els", migrations_folders())
    with _pgbouncer(tmp_path, postgres_dsn, "session", _OURS) as port:
        direct = service_environment["ROLLCALL_POSTGRES_DSN"]
        pooled = urlsplit(direct)._replace(netloc=f"postgres@127.0.0.1:{port}").geturl()
        command = RollcallCommand(service_environment | {"ROLLCALL_POSTGRES_DSN": pooled})
        printed = await command("doctor", "--json", expect=1)
    assert "two clients were served by one session" not in printed


@contextmanager
def _pgbouncer(directory: Path, postgres_dsn: str, mode: str, ignored: str) -> Iterator[int]:
    port = free_port()
    directory.chmod(0o755)
    config = directory / "pgbouncer.ini"
    config.write_text(
        _POOL.format(port=port, server_port=urlsplit(postgres_dsn).port, mode=mode, ignored=ignored)
    )
    with (directory / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen([_program(directory), *_user(), config], stdout=log, stderr=log)
    try:
        _wait_until_it_answers(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def _wait_until_it_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    import time

    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        assert process.poll() is None, "pgbouncer ended"
        try:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
        except psycopg.Error:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def _user() -> list[str]:
    """PgBouncer, too, refuses to run as root."""
    return (
        [f"--user={postgres_account.system_user().pw_name}"] if postgres_account.is_root() else []
    )


def _program(directory: Path) -> str:
    """The installed one, else Debian's, taken out of its package without installing it."""
    if found := shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"):
        return found
    for package in ("pgbouncer", "libcares2", "libc-ares2", "libevent-2.1-7"):
        subprocess.run(["apt-get", "download", package], cwd=directory, capture_output=True)
    for archive in directory.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", archive, directory / "root"], check=True)
    program = directory / "root/usr/sbin/pgbouncer"
    assert program.exists(), "no PgBouncer: install it, or let apt-get download it"
    libraries = next((directory / "root/usr/lib").glob("*-linux-gnu"))
    start = directory / "pgbouncer"
    start.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program} "$@"\n')
    start.chmod(0o755)
    return str(start)
