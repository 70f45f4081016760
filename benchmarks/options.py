"""Options that several benchmarks have."""

from pathlib import Path
from typing import Annotated

import typer

Rounds = Annotated[int, typer.Option(min=1, help="Interleaved repetitions.")]
Contestants = Annotated[
    list[str], typer.Option("--contestant", help="KIND:REPLICAS[:WORKLOAD]; repeatable.")
]
Batches = Annotated[int, typer.Option(min=1, help="Batches of a run.")]
Slots = Annotated[int, typer.Option(min=1, max=10_000, help="Slots of each batch.")]
PeerEvents = Annotated[int, typer.Option(min=1, help="Events for the slow peers.")]
Patience = Annotated[
    float, typer.Option(min=0, help="Most seconds to wait for a quiet machine before a start.")
]
Attempts = Annotated[int, typer.Option(min=1, help="Most runs of a round while others disturb it.")]
Logs = Annotated[Path | None, typer.Option(help="Keep the contestants' logs in this folder.")]
