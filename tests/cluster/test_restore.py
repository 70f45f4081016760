"""A database restored to an earlier moment, while Kafka keeps what was published since. Long."""

import asyncio
import json
from typing import Any

import psycopg
import pytest

from essay_lifecycle_service import migrations_folders
from rollcall.database.migrations import migrate
from rollcall_cluster.generator import PROFILES, Plan
from tests.auditing import assert_clean
from tests.cluster.load import under_load
from tests.cluster.restorable_postgres import RestorablePostgres, restorable_postgres
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.fixtures.services import StartService
from tests.service_process import ServiceProcess
from tests.services.rollcall_command import RollcallCommand

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

LOAD = Plan(**PROFILES["mixed"], seed=23, batches=40, slots=60, rate=600.0)
RECORDS = 3000
"""About so many are sent."""

Numbers = dict[int, int]


async def lose_and_restore(
    postgres: RestorablePostgres,
    environment: dict[str, str],
    service_process: StartService,
    dsn: str,
) -> None:
    """Replicas work under load; in the middle of it the database is lost, and restored to before that."""
    replicas = [service_process(name, **environment) for name in "ab"]
    await asyncio.gather(*(r.wait_ready(2 * DEADLINE_SECONDS) for r in replicas))
    postgres.back_up()
    async with under_load(environment, LOAD) as reached:
        await reached(RECORDS // 3)
        await eventually(lambda: any(_published(dsn).values()), message="segments published")
        postgres.mark("before")
        known = _numbers(dsn)
        await reached(RECORDS * 2 // 3)
        await eventually(
            lambda: any(seq > known[lane] for lane, seq in _published(dsn).items()),
            message="segments published that were not known at the mark",
        )
        await postgres.archived()
        for replica in replicas:
            replica.kill()
        postgres.lose()
        await postgres.restore("before")


def _published(dsn: str) -> Numbers:
    with psycopg.connect(dsn) as connection:
        return dict(connection.execute("SELECT lane, published_seq FROM els.lane").fetchall())


def _numbers(dsn: str) -> Numbers:
    with psycopg.connect(dsn) as connection:
        return dict(connection.execute("SELECT lane, last_seq FROM els.lane").fetchall())


def _positions(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        query = "SELECT topic, partition, next_offset FROM els.position ORDER BY 1, 2"
        return connection.execute(query).fetchall()


async def reconciled(rollcall: RollcallCommand, *options: str) -> dict[str, Any]:
    """What the command did; the client may have warned of a broker that was slow before."""
    printed = await rollcall("reconcile", *options, "--json")
    done: dict[str, Any] = json.loads(printed[printed.index("{") :])
    return done


async def refusal(replica: ServiceProcess) -> str:
    """What a replica says that waits for somebody to reconcile."""
    (line, *_) = await eventually(
        lambda: [
            line
            for line in replica.log_events("waiting")
            if "rollcall reconcile" in line["because"]
        ],
        message=lambda: f"refusal of {replica.story()}",
    )
    return str(line["because"])


async def test_a_database_restored_in_the_middle_of_load_ends_with_a_clean_audit(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    """What was announced stays true; what was not happens anew; nothing is announced twice or never."""
    with restorable_postgres() as postgres:
        dsn = postgres.database("app")
        migrate(dsn, "els", migrations_folders())
        environment = service_environment | {"ROLLCALL_POSTGRES_DSN": dsn}
        await lose_and_restore(postgres, environment, service_process, dsn)

        positions = _positions(dsn)
        replica = service_process("c", **environment)
        because = await refusal(replica)
        assert "restored to an earlier point" in because
        assert _positions(dsn) == positions
        replica.kill()

        rollcall = RollcallCommand(environment)
        planned = await reconciled(rollcall, "--dry-run")
        done = await reconciled(rollcall)
        assert {**done, "dry_run": True} == planned
        assert done["slots_filled"] > 0
        again = await reconciled(rollcall)
        assert again["lanes"] == {}

        await service_process("d", **environment).wait_ready(2 * DEADLINE_SECONDS)
        await assert_clean(environment, wait_seconds=3 * DEADLINE_SECONDS)


async def work_off(environment: dict[str, str], service_process: StartService) -> None:
    """A replica handles the load, and dies."""
    replica = service_process("a", **environment)
    await replica.wait_ready(2 * DEADLINE_SECONDS)
    async with under_load(environment, LOAD):
        pass
    await assert_clean(environment)
    replica.kill()


async def test_a_database_that_is_lost_altogether_is_made_anew_from_kafka(
    service_environment: dict[str, str], service_process: StartService, empty_database: str
) -> None:
    """No backup: an empty schema, and all of the input still in Kafka."""
    environment = service_environment
    await work_off(environment, service_process)

    migrate(empty_database, "els", migrations_folders())
    environment = environment | {"ROLLCALL_POSTGRES_DSN": empty_database}
    replica = service_process("b", **environment)
    await refusal(replica)
    done = await reconciled(RollcallCommand(environment))
    assert done["batches_registered"] > 0
    assert done["slots_filled"] > 0
    await replica.wait_ready(2 * DEADLINE_SECONDS)
    await assert_clean(environment, wait_seconds=3 * DEADLINE_SECONDS)


async def test_a_database_on_which_replicas_worked_after_a_restore_is_not_reconciled(
    service_environment: dict[str, str], service_process: StartService, empty_database: str
) -> None:
    """What they did contradicts what was announced: told, and left as it is."""
    environment = service_environment
    await work_off(environment, service_process)

    dsn = environment["ROLLCALL_POSTGRES_DSN"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE els.lane SET last_seq = 0, published_seq = 0")
        swap = (
            "UPDATE els.slot s SET text_storage_id = 'another' WHERE (batch_id, position) = ("
            "SELECT batch_id, position FROM els.slot WHERE state = 'filled' LIMIT 1)"
        )
        connection.execute(swap)
    printed = await RollcallCommand(environment)("reconcile", expect=1)
    assert "replicas have worked on it since it was restored" in " ".join(printed.split())
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT max(last_seq) FROM els.lane").fetchone() == (0,)
