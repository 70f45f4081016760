"""The command line that runs a console script of this distribution with failpoints armed."""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, distribution

from rollcall.failpoints import armed
from rollcall_cluster.failpoints.arming import Action, Arming, Trigger
from rollcall_cluster.failpoints.names import FAILPOINTS

_PROG = "python -m rollcall_cluster.failpoints"
_EXAMPLES = f"""\
A trigger is NAME:ACTION[:NTH]. ACTION is kill (SIGKILL, a crash) or stop (SIGSTOP, a stall that
SIGCONT ends); NTH counts how often the failpoint is reached, from 1. Before it acts, the process
writes "failpoint reached: NAME:ACTION:NTH" to its standard error; before SIGCONT, wait until it has
stopped.

examples:
  {_PROG} --list
  {_PROG} chunk.positions_moved:kill -- essay-lifecycle-service run
  {_PROG} lane.committed:stop:3 -- essay-lifecycle-service run
  {_PROG} redrive.settled:kill -- rollcall dlq redrive --all
"""


def launcher_command(triggers: Sequence[Trigger], command: Sequence[str]) -> list[str]:
    """The arguments of a process that runs `command`, a console script, with `triggers` armed."""
    return [
        sys.executable,
        "-m",
        "rollcall_cluster.failpoints",
        *map(str, triggers),
        "--",
        *command,
    ]


def run(argv: Sequence[str]) -> None:
    """Run the command line; ends as the command that it runs ends."""
    given, command = _split(argv)
    arguments = _parser().parse_args(given)
    if arguments.list:
        sys.stdout.write(_listing(as_json=arguments.json))
        return
    if not (command and arguments.triggers):
        _parser().error("name at least one trigger and, behind --, a command")
    _run_armed(arguments.triggers, command)


def _run_armed(triggers: Sequence[Trigger], command: Sequence[str]) -> None:
    main = _console_script(command[0]).load()
    sys.argv = list(command)
    with armed(Arming(triggers)):
        main()


def _console_script(name: str) -> EntryPoint:
    scripts = distribution("rollcall").entry_points.select(group="console_scripts")
    if name not in scripts.names:
        _parser().error(f"{name!r} is no command of ours; there are {', '.join(scripts.names)}")
    return scripts[name]


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    own = list(argv)
    if "--" not in own:
        return own, []
    place = own.index("--")
    return own[:place], own[place + 1 :]


def _trigger(text: str) -> Trigger:
    try:
        return Trigger.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROG,
        usage=f"{_PROG} TRIGGER... -- COMMAND [ARGUMENT...]",
        description="Run a command so that it dies or stalls between two durable steps.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "triggers", nargs="*", metavar="TRIGGER", type=_trigger, help="NAME:ACTION[:NTH]"
    )
    parser.add_argument("--list", action="store_true", help="list the failpoints, run nothing")
    parser.add_argument("--json", action="store_true", help="with --list: print JSON")
    return parser


def _listing(*, as_json: bool) -> str:
    if as_json:
        rows = [{"name": name, "meaning": point.meaning} for name, point in FAILPOINTS.items()]
        return json.dumps({"failpoints": rows, "actions": list(Action)}, indent=2) + "\n"
    width = max(map(len, FAILPOINTS))
    return "".join(f"{name:{width}}  {point.meaning}\n" for name, point in FAILPOINTS.items())
