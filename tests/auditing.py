"""Audits a test's deployment from outside."""

from collections.abc import Mapping

from rollcall_cluster.auditor import AuditOptions, AuditReport, AuditTarget, verify
from tests.eventually import DEADLINE_SECONDS


async def audit(
    environment: Mapping[str, str], *, wait_seconds: float = DEADLINE_SECONDS
) -> AuditReport:
    """Audit the deployment of replicas with these variables, once it is at rest.

    Raises:
        CannotAuditError: it does not come to rest in that time.
    """
    options = AuditOptions(require_rest=True, wait_seconds=wait_seconds)
    return await verify(target_of(environment), options)


def target_of(environment: Mapping[str, str]) -> AuditTarget:
    """The deployment of replicas with these variables."""
    return AuditTarget(
        kafka_bootstrap_servers=environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
        postgres_dsn=environment["ROLLCALL_POSTGRES_DSN"],
        database_schema=environment["ROLLCALL_DATABASE_SCHEMA"],
        topic_prefix=environment["ROLLCALL_TOPIC_PREFIX"],
        consumer_group=environment["ROLLCALL_CONSUMER_GROUP"],
    )


async def assert_clean(
    environment: Mapping[str, str], *, wait_seconds: float = DEADLINE_SECONDS
) -> None:
    """Every invariant holds, at rest."""
    report = await audit(environment, wait_seconds=wait_seconds)
    assert report.ok, report.model_dump_json(indent=1)
