"""The options of `rollcall scenarios`."""

from pathlib import Path
from typing import Annotated

import typer

from rollcall_cluster.scenarios.catalogue import ALL, SCENARIOS
from rollcall_cluster.scenarios.site import Servers
from rollcall_cluster.scenarios.verdicts import Side

Name = Annotated[str, typer.Option(help=f"{ALL}, or one of {', '.join(SCENARIOS)}.")]
Instances = Annotated[
    int, typer.Option("--instances", "-n", min=1, max=16, help="Instances that are started.")
]
Duration = Annotated[
    float, typer.Option(min=5, max=3600, help="Most seconds of a stretch of load.")
]
OnServers = Annotated[
    Servers | None,
    typer.Option(
        help="embedded: of its own; external: those of ROLLCALL_*, with instances of its own;"
        " compose: the running instances of ROLLCALL_TEST_INSTANCES, else of the rig.",
        show_default="what ROLLCALL_* variables say, or embedded",
    ),
]
Targets = Annotated[Side, typer.Option(help="Whose targets of speed decide the exit code.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Write scenarios.json, junit.xml and report.html to this folder."),
]
List = Annotated[bool, typer.Option("--list", help="List the scenarios.")]
