"""The report as a table for people."""

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rollcall_cluster.auditor.report import AuditReport, CheckResult, Outcome

_MARKS = {
    Outcome.HOLDS: Text("holds", style="green"),
    Outcome.VIOLATED: Text("VIOLATED", style="bold red"),
    Outcome.SKIPPED: Text("skipped", style="dim"),
}


def render(report: AuditReport) -> RenderableType:
    """Everything a person needs: what was read, every invariant, the first examples, the verdict."""
    return Group(_logs(report), _invariants(report), *_examples(report), _verdict(report))


def _logs(report: AuditReport) -> Table:
    table = Table(title=f"read of group {escape(report.consumer_group)}", title_justify="left")
    table.add_column("topic")
    table.add_column("partitions", justify="right")
    table.add_column("records", justify="right")
    table.add_column("no longer readable", justify="right")
    for log in report.logs:
        gone = f"{log.no_longer_readable:,}" if log.no_longer_readable else ""
        table.add_row(log.topic, str(log.partitions), f"{log.records:,}", gone)
    return table


def _invariants(report: AuditReport) -> Table:
    table = Table(title="invariants", title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("invariant")
    table.add_column("code", style="dim")
    table.add_column("checked", justify="right")
    table.add_column("violations", justify="right")
    table.add_column("")
    for check in report.checks:
        table.add_row(
            str(check.invariant),
            check.title,
            check.code,
            "" if check.skipped else f"{check.checked:,}",
            "" if check.skipped else f"{check.violations:,}",
            _mark(check),
        )
    return table


def _mark(check: CheckResult) -> Text:
    if check.skipped:
        return Text(check.skipped, style="dim")
    if check.not_checkable:
        return Text.assemble(
            _MARKS[check.outcome], (f", {check.not_checkable:,} not checkable", "yellow")
        )
    return _MARKS[check.outcome]


def _examples(report: AuditReport) -> list[Text]:
    lines = []
    for check in report.checks:
        if check.examples:
            lines.append(Text(f"\n{check.code}: {check.title}", style="bold red"))
            lines.extend(Text(f"  {example}") for example in check.examples)
            if rest := check.violations - len(check.examples):
                lines.append(Text(f"  and {rest:,} more", style="dim"))
    return lines


def _verdict(report: AuditReport) -> Text:
    read = sum(log.records for log in report.logs)
    unclear = f", {report.not_checkable:,} not checkable" if report.not_checkable else ""
    told = (
        f"\n{report.violations:,} violations{unclear}. {len(report.checks)} invariants checked on"
        f" {report.contents:,} contents, {report.batches:,} batches and {read:,} records"
        f" in {report.duration_seconds:.1f} s."
    )
    motion = "" if report.at_rest else f" Not at rest: {'; '.join(report.moving)}."
    return Text(told + motion, style="bold green" if report.ok else "bold red")


def print_report(report: AuditReport, console: Console) -> None:
    """Print the report as a table."""
    console.print(render(report))
