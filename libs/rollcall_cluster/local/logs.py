"""`rollcall logs`: what replicas and servers wrote."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from rollcall_cluster.embedded.errors import log_tail
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.log_lines import (
    Line,
    all_lines,
    new_lines,
    of_correlation,
    told,
    told_in_columns,
)

_LINES = 20


def logs_command(
    instance: Annotated[
        str | None,
        typer.Argument(
            help="A replica (els-1), or kafka, postgres, redis; all replicas if absent."
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines",
            "-n",
            min=0,
            help="Last lines: of each log, 20 if not given; with --correlation, of all, any number.",
        ),
    ] = None,
    correlation: Annotated[
        str | None,
        typer.Option(
            help="Only what concerns this correlation id, from every replica, sorted by time."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with its writer.")
    ] = False,
) -> None:
    """Show the end of the logs, each line with the name of who wrote it.

    Examples:

      rollcall logs

      rollcall logs -f els-2

      rollcall logs postgres -n 100

      rollcall logs --correlation 0c9a7a52-5f0e-4f3b-8f0a-6d1f1c2b3a44 -f
    """
    wanted = _as_uuid(correlation) if correlation is not None else None
    files = _chosen(log_files(Home.current()), instance)
    ends = {name: file.stat().st_size if file.exists() else 0 for name, file in files.items()}
    if wanted is None:
        _show(_last_lines(files, _LINES if lines is None else lines), wanted, as_json)
    else:
        found = of_correlation(all_lines(files, ends), wanted)
        _show(found if lines is None else found[max(len(found) - lines, 0) :], wanted, as_json)
    if follow:
        with suppress(KeyboardInterrupt):
            for appended in new_lines(files, ends):
                _show(of_correlation(appended, wanted) if wanted else appended, wanted, as_json)


def _as_uuid(given: str) -> str:
    try:
        return str(UUID(given))
    except ValueError:
        raise ClusterError(
            f"{given!r} is no correlation id",
            "give the whole UUID, as it stands in an event's envelope or first in a log line",
        ) from None


def log_files(home: Home) -> dict[str, Path]:
    """The log of each replica and embedded server; raises ClusterError without a cluster."""
    cluster = LocalCluster.existing(home)
    files = {replica.name: replica.log_file for replica in cluster.replicas}
    return files | {server.name: server.log_file for server in cluster.servers.embedded}


def _chosen(files: dict[str, Path], name: str | None) -> dict[str, Path]:
    if name is None:
        return {known: file for known, file in files.items() if known.startswith("els-")}
    if name not in files:
        raise ClusterError(f"there is no log of {name!r}", f"known: {', '.join(files)}")
    return {name: files[name]}


def _last_lines(files: dict[str, Path], count: int) -> list[Line]:
    return [
        Line(name, text)
        for name, file in files.items()
        for text in (log_tail(file, count).splitlines() if count else [])
    ]


def _show(lines: Iterable[Line], correlation: str | None, as_json: bool) -> None:
    in_columns = correlation is not None and not as_json
    for line in lines:
        typer.echo(told_in_columns(line) if in_columns else told(line, as_json=as_json))
