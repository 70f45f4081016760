"""The `rollcall` command. Each subcommand is imported only when it is used."""

import importlib
import sys
from io import TextIOWrapper
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class _Command(NamedTuple):
    module: str
    function: str
    summary: str


_COMMANDS = {
    "demo": _Command(
        "rollcall_cluster.local.demo",
        "demo_command",
        "Three replicas fill batches, one is killed, an audit proves the result.",
    ),
    "up": _Command(
        "rollcall_cluster.local.up", "up_command", "Start the servers and N replicas here."
    ),
    "status": _Command(
        "rollcall_cluster.local.status", "status_command", "Show what runs, how well and how fast."
    ),
    "console": _Command(
        "rollcall_cluster.console.command", "console_command", "Watch it all in the browser, live."
    ),
    "logs": _Command("rollcall_cluster.local.logs", "logs_command", "Show or follow the logs."),
    "scale": _Command(
        "rollcall_cluster.local.scale", "scale_command", "Change the number of replicas."
    ),
    "kill": _Command(
        "rollcall_cluster.local.kill", "kill_command", "SIGKILL a replica, as a crash would."
    ),
    "env": _Command(
        "rollcall_cluster.local.env", "env_command", "Print the variables that point at it all."
    ),
    "down": _Command(
        "rollcall_cluster.local.down", "down_command", "Stop everything; --wipe deletes the data."
    ),
    "generate": _Command(
        "rollcall_cluster.generator.command",
        "generate_command",
        "Produce realistic upstream events.",
    ),
    "verify": _Command(
        "rollcall_cluster.auditor.command",
        "verify_command",
        "Audit a deployment: every invariant, read-only.",
    ),
    "doctor": _Command(
        "rollcall_cluster.doctor.command",
        "doctor_command",
        "Check servers, settings and replicas of a deployment; each finding with its remedy.",
    ),
    "reconcile": _Command(
        "rollcall_cluster.reconcile.command",
        "reconcile_command",
        "After a restore of the database: write back what Kafka holds already.",
    ),
    "purge": _Command(
        "rollcall_cluster.purge.command",
        "purge_command",
        "Take batches that ended long ago out of the database.",
    ),
    "roles": _Command(
        "rollcall_cluster.roles.command",
        "roles_command",
        "Print the SQL that creates a deployment's database roles.",
    ),
    "chaos": _Command(
        "rollcall_cluster.chaos.command",
        "chaos_command",
        "Break a cluster under load in every way there is; audit it.",
    ),
    "scenarios": _Command(
        "rollcall_cluster.scenarios.command",
        "scenarios_command",
        "Have several instances race, coordinate, complete and scale; measure and audit it.",
    ),
    "bench": _Command(
        "rollcall_cluster.bench",
        "bench_commands",
        "Measure Rollcall beside what a team would use instead (needs a source checkout).",
    ),
    "dlq": _Command(
        "rollcall_cluster.dlq.command",
        "dlq_commands",
        "List, show, redrive or discard dead letters.",
    ),
    "topic": _Command(
        "rollcall_cluster.dlq.topic_command",
        "topic_commands",
        "Pause, resume or list paused input topics.",
    ),
    "position": _Command(
        "rollcall_cluster.hand.position_command",
        "position_commands",
        "Show positions of input topics, replay input, or go on after a loss.",
    ),
    "batch": _Command(
        "rollcall_cluster.hand.batch_command",
        "batch_commands",
        "List what waits; reconcile, end, reassign or replay a batch by hand.",
    ),
    "audit": _Command(
        "rollcall_cluster.hand.audit_command", "audit_commands", "Who did what by hand."
    ),
}
# They look at any deployment: the one of the environment, else the local cluster.
_DEPLOYMENT_COMMANDS = (
    "console",
    "generate",
    "verify",
    "doctor",
    "reconcile",
    "purge",
    "dlq",
    "topic",
    "position",
    "batch",
    "audit",
)
# Their function builds a group of commands.
_GROUPS = ("bench", "dlq", "topic", "position", "batch", "audit")

_EPILOG = """\
Examples:

  rollcall demo                          the whole story in a minute

  rollcall up --instances 3              a cluster that stays

  rollcall generate --profile mixed      something to do for it

  rollcall kill els-2                    something to survive

  rollcall verify                        did it?

  rollcall down --wipe                   gone without a trace

State lives in $ROLLCALL_HOME (.rollcall). ROLLCALL_KAFKA_BOOTSTRAP_SERVERS,
ROLLCALL_POSTGRES_DSN and ROLLCALL_REDIS_URL replace the embedded servers.
"""


class _LazyCommands(TyperGroup):
    """Lists commands from their summaries; imports the one that is invoked."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, stub, rest = super().resolve_command(ctx, args)
        return (name, _load(name), rest) if name else (name, stub, rest)


def create_app() -> typer.Typer:
    """Build the command with all its subcommands."""
    app = typer.Typer(
        name="rollcall",
        cls=_LazyCommands,
        help="Run, feed, break and audit a Rollcall cluster.",
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, command in _COMMANDS.items():
        app.command(name, help=command.summary)(_stub)
    return app


def main() -> None:
    """Entry point of `rollcall`: errors that have a remedy are printed without a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that cannot show a character of a table shows the rest of it.
        sys.stdout.reconfigure(errors="replace")
    try:
        create_app()()
    except Exception as error:
        from rollcall_cluster.local.errors import explanation

        text = explanation(error)
        if text is None:
            raise
        sys.stderr.write(f"rollcall: {text}\n")
        sys.exit(1)


def _stub() -> None:
    """Stand for a command that is not imported yet."""


def _load(name: str) -> Any:
    command = _COMMANDS[name]
    if name in _DEPLOYMENT_COMMANDS:
        from rollcall_cluster.local.home import adopt_environment

        adopt_environment()
    function = getattr(importlib.import_module(command.module), command.function)
    if name in _GROUPS:
        return typer.main.get_command(function())
    single = typer.Typer(
        add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}
    )
    single.command(name)(function)
    return typer.main.get_command(single)
