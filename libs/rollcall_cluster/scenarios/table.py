"""A scenario as a table for the terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rollcall_cluster.scenarios.findings import Finding, Run, summary
from rollcall_cluster.scenarios.verdicts import Side, Verdict

_COLOURS = {
    Verdict.REACHED: "green",
    Verdict.MISSED: "yellow",
    Verdict.VIOLATED: "bold red",
    Verdict.NOT_MEASURED: "dim",
    Verdict.SHOWN: "dim",
}


def print_finding(finding: Finding, console: Console) -> None:
    """Target, measured, verdict, for both sides; then what ended it early."""
    table = Table(
        "figure",
        "measured",
        "our target",
        "verdict",
        "customary",
        "verdict",
        title=f"{finding.title} ({finding.seconds:.0f} s)",
        title_justify="left",
    )
    for row in finding.rows:
        cells = [cell for side in Side for cell in (row.target(side), _told(row.verdict(side)))]
        table.add_row(escape(row.name), row.shown, *cells)
    console.print(table)
    for row in finding.rows:
        if row.not_measured:
            console.print(f"not measured: {row.name}: {row.not_measured}", markup=False)
        elif any(row.fails(side) for side in Side) and row.detail:
            console.print(f"{row.name}: {row.detail}", markup=False)
    if finding.problem:
        console.print(f"[bold red]ended early: {escape(finding.problem)}")


def print_summary(run: Run, console: Console) -> None:
    """One line, and what makes figures of speed doubtful."""
    if run.busy:
        console.print(busy_note(run), style="yellow")
    console.print(summary(run), style="bold green" if run.ok else "bold red")


def busy_note(run: Run) -> str:
    """Why figures of speed say little."""
    return (
        f"The machine was busy before the run (load {run.load:.1f} on {run.cores} cores):"
        " figures of speed say little, those of correctness everything."
    )


def _told(verdict: Verdict) -> str:
    return f"[{_COLOURS[verdict]}]{verdict}"
