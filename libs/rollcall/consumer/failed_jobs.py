"""Jobs after a commit that were given up: what called for them has committed, so nobody else is told."""

import structlog

from rollcall.consumer.parts import name_of
from rollcall.consumer.transaction import Job
from rollcall.telemetry.metrics import Metrics

log = structlog.get_logger()


def report_failed(job: Job, error: Exception, metrics: Metrics) -> None:
    """Log and count a job that is left to its periodic twin."""
    metrics.follow_up_failures_total.inc()
    log.error("job_failed", error=repr(error)[:500], job=name_of(job))
