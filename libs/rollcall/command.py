"""The command line of a service: run, migrate, topics, settings."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from rollcall.access.environment import explained_settings
from rollcall.errors import RollcallError
from rollcall.settings import ServiceSettings
from rollcall.settings_table import settings_table
from rollcall.topic_admin import MOST_COPIES, TopicAdmin
from rollcall.topology import Topology
from rollcall_events.topics import Topic

_EXAMPLES = """\
examples:
  {prog} migrate                 create or upgrade the schema, then exit
  {prog} topics                  create missing topics, check the others
  {prog} run                     run one replica until SIGTERM
  {prog} settings                every ROLLCALL_* variable with its default
"""


def service_command(
    prog: str,
    settings_type: type[ServiceSettings],
    topics: Sequence[Topic],
    migrations: Sequence[Path],
    serve: Callable[[], Coroutine[Any, Any, int]],
    argv: Sequence[str] | None = None,
) -> int:
    """Run a service's command line; returns the exit code."""
    arguments = _parser(prog).parse_args(argv)
    if arguments.command == "settings":
        sys.stdout.write(settings_table(settings_type))
        return 0
    try:
        settings = settings_type()
        if arguments.command == "run":
            return _run(serve)
        if arguments.command == "migrate":
            return _migrate(settings, migrations)
        return asyncio.run(_topics(settings, Topology(topics), arguments))
    except ValidationError as error:
        sys.stderr.write(f"{prog}: {explained_settings(error)}\n")
    except (RollcallError, OSError) as error:
        sys.stderr.write(f"{prog}: {error}\n")
    except KafkaError as error:
        sys.stderr.write(
            f"{prog}: Kafka cannot be reached: {error}; check ROLLCALL_KAFKA_BOOTSTRAP_SERVERS\n"
        )
    return 2


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        epilog=_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run one replica until SIGTERM")
    commands.add_parser("migrate", help="create or upgrade the database schema")
    topics = commands.add_parser("topics", help="create missing topics and check the others")
    topics.add_argument(
        "--replication",
        type=int,
        help=f"copies of a new topic (default: one on each broker, {MOST_COPIES} at most)",
    )
    topics.add_argument("--partitions", type=int, help="partitions of a new topic")
    commands.add_parser("settings", help="print every setting as a Markdown table")
    return parser


def _run(serve: Callable[[], Coroutine[Any, Any, int]]) -> int:
    import uvloop

    from rollcall.broken_connections import mend_client

    mend_client()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve())


def _migrate(settings: ServiceSettings, migrations: Sequence[Path]) -> int:
    from rollcall.database.migrations import migrate

    applied = migrate(
        settings.postgres_dsn.get_secret_value(), settings.database_schema, migrations
    )
    sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "the schema is current\n")
    return 0


async def _topics(
    settings: ServiceSettings, topology: Topology, arguments: argparse.Namespace
) -> int:
    async with TopicAdmin(settings, topology) as admin:
        created = await admin.create_missing(arguments.replication, arguments.partitions)
        sys.stdout.write("".join(f"created {name}\n" for name in created))
        await admin.check(arguments.replication)
    sys.stdout.write("every topic agrees with the registry\n")
    return 0
