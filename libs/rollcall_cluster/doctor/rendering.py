"""The examination as a table for people."""

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rollcall_cluster.doctor.findings import Examination, Finding, Verdict

_STYLES = {
    Verdict.OK: "green",
    Verdict.UNSEEN: "dim",
    Verdict.WARNING: "yellow",
    Verdict.PROBLEM: "bold red",
}


def render(examination: Examination) -> RenderableType:
    """Every check with its verdict, then what was found with its remedy, then the sum."""
    return Group(_table(examination), *_details(examination), _sum(examination))


def _table(examination: Examination) -> Table:
    table = Table(title="checks", title_justify="left")
    table.add_column("check")
    table.add_column("looks at", style="dim")
    table.add_column("")
    worst: dict[str, Finding] = {}
    order = list(Verdict)
    for finding in examination.findings:
        known = worst.get(finding.check)
        if known is None or order.index(finding.verdict) > order.index(known.verdict):
            worst[finding.check] = finding
    for finding in worst.values():
        verdict = Text(finding.verdict.value, style=_STYLES[finding.verdict])
        table.add_row(finding.check, finding.looks_at, verdict)
    return table


def _details(examination: Examination) -> list[Text]:
    bad = [finding for finding in examination.findings if finding.verdict is not Verdict.OK]
    bad.sort(key=lambda finding: -list(Verdict).index(finding.verdict))
    lines = []
    for finding in bad:
        style = _STYLES[finding.verdict]
        lines.append(
            Text(f"\n{finding.verdict.value}, {finding.check}: {finding.found}", style=style)
        )
        if finding.remedy:
            lines.append(Text(f"  remedy: {finding.remedy}"))
    return lines


def _sum(examination: Examination) -> Text:
    checks = len({finding.check for finding in examination.findings})
    blind = examination.count(Verdict.UNSEEN)
    told = (
        f"\n{examination.problems} problems, {examination.warnings} warnings. {checks} checks in"
        f" {examination.duration_seconds:.1f} s."
    )
    style = (
        "bold red"
        if examination.problems
        else "bold yellow"
        if examination.warnings
        else "bold green"
    )
    return Text(told + (f" {blind} could not be made." if blind else ""), style=style)


def print_examination(examination: Examination, console: Console) -> None:
    """Print it as a table."""
    console.print(render(examination), soft_wrap=False)
