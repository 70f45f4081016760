"""A share of the logs, read into a scratch database of its own."""

from collections import Counter
from contextlib import closing
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from rollcall.access.kafka import KafkaAccess
from rollcall_cluster.auditor.kafka_log import open_logs
from rollcall_cluster.auditor.log_reading import LogReading, Reach
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.progress import Progress
from rollcall_cluster.auditor.scratch import Scratch


class ShardJob(BaseModel):
    """A share of the reading. `partitions` are numbered as in the logbook, in order."""

    model_config = ConfigDict(frozen=True)

    file: Path
    kafka_bootstrap_servers: str
    connect_timeout_seconds: float
    topic_prefix: str
    consumer_group: str
    record_max_bytes: int
    partitions: tuple[tuple[str, int], ...]
    reaches: tuple[Reach, ...]


async def read_shard(job: ShardJob, progress: Progress) -> Counter[str]:
    """Read the share; returns how many records each topic had."""
    topics = {reach.topic for reach in job.reaches}
    logbook = Logbook(job.topic_prefix, job.partitions)
    with closing(Scratch(job.file, create=False)) as scratch:
        reading = LogReading(scratch, logbook, job.consumer_group, job.record_max_bytes)
        # How to get in is in the environment that this process inherited, secrets and all.
        access = KafkaAccess(kafka_bootstrap_servers=job.kafka_bootstrap_servers)
        async with open_logs(access, topics, job.connect_timeout_seconds) as logs:
            return await reading.read(logs, job.reaches, progress)
