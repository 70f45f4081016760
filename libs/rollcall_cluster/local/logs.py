"""`rollcall logs`: what replicas and servers wrote."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from rollcall_cluster.embedded.errors import log_tail
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home

_POLL_SECONDS = 0.2


def logs_command(
    instance: Annotated[
        str | None,
        typer.Argument(
            help="A replica (els-1), or kafka, postgres, redis; all replicas if absent."
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines of each.")] = 20,
) -> None:
    """Show the end of the logs, each line with the name of who wrote it.

    Examples:

      rollcall logs

      rollcall logs -f els-2

      rollcall logs postgres -n 100
    """
    files = _chosen(_log_files(Home.current()), instance)
    ends = {name: file.stat().st_size if file.exists() else 0 for name, file in files.items()}
    for name, file in files.items():
        for line in log_tail(file, lines).splitlines() if lines else []:
            typer.echo(f"{name} | {line}")
    if follow:
        with suppress(KeyboardInterrupt):
            for name, line in _new_lines(files, ends):
                typer.echo(f"{name} | {line}")


def _log_files(home: Home) -> dict[str, Path]:
    cluster = LocalCluster.existing(home)
    files = {replica.name: replica.log_file for replica in cluster.replicas}
    return files | {server.name: server.log_file for server in cluster.servers.embedded}


def _chosen(files: dict[str, Path], name: str | None) -> dict[str, Path]:
    if name is None:
        return {known: file for known, file in files.items() if known.startswith("els-")}
    if name not in files:
        raise ClusterError(f"there is no log of {name!r}", f"known: {', '.join(files)}")
    return {name: files[name]}


def _new_lines(files: dict[str, Path], ends: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Yield whole lines as they are written, for ever."""
    while True:
        for name, file in files.items():
            if not file.exists():
                continue
            with file.open("rb") as log:
                log.seek(ends[name])
                for line in log:
                    if not line.endswith(b"\n"):
                        break
                    ends[name] += len(line)
                    yield name, line.decode(errors="replace").rstrip("\n")
        time.sleep(_POLL_SECONDS)
