"""The checks, side by side: each module has the tuple CHECKS."""

from rollcall_cluster.doctor.check import Check
from rollcall_cluster.doctor.checks import (
    brokers,
    connections,
    postgres,
    redis,
    replicas,
    schema,
    topics,
)

CHECKS: tuple[Check, ...] = (
    *brokers.CHECKS,
    *topics.CHECKS,
    *postgres.CHECKS,
    *connections.CHECKS,
    *schema.CHECKS,
    *redis.CHECKS,
    *replicas.CHECKS,
)
