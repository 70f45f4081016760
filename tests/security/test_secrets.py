"""Secrets are planted everywhere; whatever happens, nothing that a program writes or says has one of them."""

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psutil

from tests.db.events import contents, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.http_client import http_client
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand

BATCH = UUID("7f0d2c1e-3b5a-4c6e-9a53-1f2b7c8d4e90")
PLANTED = {
    "postgres": "pg-Ka5tanie",
    "redis": "redis-L1nde",
    "admin": "admin-Ah0rnbaum-token",
    "kafka password": "kafka-Bu6che",
    "key password": "key-E1che",
    "oauth secret": "oauth-W3ide",
}
PAGES = (
    "/metrics",
    "/openapi.json",
    "/v1/instance",
    "/healthz/ready",
    "/healthz/live",
    "/v1/topics",
)


def planted_in(text: str) -> list[str]:
    return [name for name, secret in PLANTED.items() if secret in text]


def with_password(dsn: str, **changes: str) -> str:
    """The address with the planted password (the server trusts everybody) and other changes."""
    parts = urlsplit(dsn)
    netloc = f"postgres:{PLANTED['postgres']}@{changes.get('host', parts.netloc.split('@')[1])}"
    return parts._replace(netloc=netloc).geturl()


def variables(database: str, redis: str) -> dict[str, str]:
    """Every secret that a replica can be told, and all that it can log."""
    return {
        "ROLLCALL_POSTGRES_DSN": with_password(database),
        "ROLLCALL_REDIS_URL": redis.replace("redis://", f"redis://:{PLANTED['redis']}@"),
        "ROLLCALL_FILTER_ENABLED": "true",
        "ROLLCALL_ADMIN_TOKENS": PLANTED["admin"],
        "ROLLCALL_KAFKA_SSL_KEY_PASSWORD": PLANTED["key password"],
        "ROLLCALL_KAFKA_OAUTH_CLIENT_SECRET": PLANTED["oauth secret"],
        "ROLLCALL_LOG_LEVEL": "DEBUG",
        "ROLLCALL_SWEEP_SECONDS": "0.3",
    }


async def test_a_working_replica_tells_no_secret(
    service_process: StartService,
    database: str,
    redis_url: str,
    kafka_bootstrap: str,
    topic_prefix: str,
) -> None:
    replica = service_process(**variables(database, redis_url))
    await replica.wait_ready()
    async with KafkaClient(kafka_bootstrap, topic_prefix) as kafka:
        await kafka.send(registration(BATCH, 2), *contents(BATCH, 2))

    async def handled() -> bool:
        return (await replica.instance())["records_total"] == 3

    await eventually(handled, message="three records are handled")
    said = []
    async with http_client() as client:
        for path in PAGES:
            for token in (PLANTED["admin"], "wrong-token-of-somebody"):
                answer = await client.get(
                    f"{replica.url}{path}", headers={"Authorization": f"Bearer {token}"}
                )
                said.append(f"{answer.text}{answer.headers}")
    said += psutil.Process(replica.pid).cmdline()
    replica.terminate()
    await replica.wait_exit()

    assert planted_in("\n".join(said)) == []
    assert planted_in(replica.log) == []


# What is wrong, the command, and a word that shows that it came as far as the fault.
FAILURES: list[tuple[dict[str, str], tuple[str, ...], str]] = [
    (
        {"ROLLCALL_POSTGRES_DSN": "DOWN"},
        ("essay_lifecycle_service", "migrate"),
        "cannot be reached",
    ),
    ({"ROLLCALL_POSTGRES_DSN": "MALFORMED"}, ("essay_lifecycle_service", "run"), "percent-encoded"),
    (
        {
            "ROLLCALL_KAFKA_SASL_PASSWORD": PLANTED["kafka password"],
            "ROLLCALL_KAFKA_SASL_USERNAME": "me",
        },
        ("essay_lifecycle_service", "run"),
        "would not be used",
    ),
    (
        {"ROLLCALL_POSTGRES_DSN": "DOWN"},
        ("rollcall_cluster.cli", "dlq", "list"),
        "cannot be reached",
    ),
    ({"ROLLCALL_POSTGRES_DSN": "DOWN"}, ("rollcall_cluster.cli", "verify"), "cannot be reached"),
    ({"ROLLCALL_POSTGRES_DSN": "MALFORMED"}, ("rollcall_cluster.cli", "verify"), "could not check"),
    (
        {"ROLLCALL_POSTGRES_DSN": "MALFORMED"},
        ("rollcall_cluster.cli", "dlq", "list"),
        "ROLLCALL_POSTGRES_DSN: ",
    ),
    (
        {"ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"},
        ("essay_lifecycle_service", "topics"),
        "check ROLLCALL_KAFKA_BOOTSTRAP_SERVERS",
    ),
]


async def run(module: str, arguments: tuple[str, ...], environment: dict[str, str]) -> str:
    """All that `python -m MODULE` writes; it must fail."""
    entry = f"import sys; from {module} import main; sys.argv[0] = 'x'; main()"
    start = ["-m", module] if module.count(".") == 0 else ["-c", entry]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *start,
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode, output.decode()
    return output.decode()


async def test_commands_that_fail_tell_no_secret(
    service_environment: dict[str, str], database: str, redis_url: str, unused_tcp_port: int
) -> None:
    usual = {**os.environ, **service_environment, **variables(database, redis_url)}
    addresses = {
        "DOWN": with_password(database, host=f"127.0.0.1:{unused_tcp_port}"),
        "MALFORMED": f"postgresql://me:{PLANTED['postgres']}/more@127.0.0.1/essays",
    }

    async def fails(failure: tuple[dict[str, str], tuple[str, ...], str]) -> tuple[str, str]:
        changes, (module, *arguments), word = failure
        changed = {name: addresses.get(value, value) for name, value in changes.items()}
        return word, await run(module, tuple(arguments), usual | changed)

    for word, said in await asyncio.gather(*map(fails, FAILURES)):
        assert word in said
        assert planted_in(said) == []


async def test_the_commands_of_a_local_cluster_show_no_secret(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    given = variables(database, redis_url)
    addresses = ("ROLLCALL_POSTGRES_DSN", "ROLLCALL_REDIS_URL")
    external = {name: given[name] for name in addresses}
    external["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"] = "kafka.test:9092"
    content = {"environment": given, "external": external}
    file = tmp_path / "cluster.json"
    await asyncio.to_thread(file.write_text, json.dumps(content))
    rollcall = RollcallCommand({"ROLLCALL_HOME": str(tmp_path)})

    for command in (("env",), ("env", "--json"), ("status",), ("status", "--json")):
        assert planted_in(await rollcall(*command)) == [], command
    assert len(planted_in(await rollcall("env", "--secrets"))) == 5
