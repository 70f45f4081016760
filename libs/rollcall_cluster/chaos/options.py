"""The options of `rollcall chaos`."""

from pathlib import Path
from typing import Annotated

import typer

OnlyFaults = Annotated[
    list[str] | None, typer.Option("--fault", help="Inflict only this one; repeatable.")
]
Count = Annotated[int | None, typer.Option(min=1, help="How many.", show_default="each once")]
Seed = Annotated[
    int | None, typer.Option(help="Same seed, same sequence.", show_default="a new one")
]
Instances = Annotated[int, typer.Option("--instances", "-n", min=1, max=16)]
Rate = Annotated[float, typer.Option(min=10, help="Records a second.")]
SessionSeconds = Annotated[
    int, typer.Option(min=3, max=60, help="Session timeout of replicas and lanes.")
]
FaultsPerAudit = Annotated[
    int, typer.Option(min=1, help="Faults on one deployment before it is audited.")
]
Out = Annotated[
    Path | None,
    typer.Option(help="Write chaos.json, chaos.md, timeline.svg there, and logs of what failed."),
]
List = Annotated[bool, typer.Option("--list", help="List the faults.")]
