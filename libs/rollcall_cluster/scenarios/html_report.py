"""A run as one page that needs nothing beside itself: tables, verdicts, plots; light and dark."""

from html import escape

from rollcall_cluster.scenarios.findings import Finding, Run, summary
from rollcall_cluster.scenarios.plots import draw
from rollcall_cluster.scenarios.table import busy_note
from rollcall_cluster.scenarios.verdicts import Row, Side, Verdict

_STYLE = """\
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2937; --quiet: #6b7280; --rule: #e5e7eb;
  --card: #f9fafb; --good: #047857; --slow: #b45309; --bad: #b91c1c; --bar: #1f6feb;
  --c1: #d97706; --c2: #059669; --c3: #7c3aed }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1419; --ink: #e5e7eb; --quiet: #9ca3af;
  --rule: #2d3748; --card: #171d24; --good: #34d399; --slow: #fbbf24; --bad: #f87171; --bar: #58a6ff;
  --c1: #fbbf24; --c2: #34d399; --c3: #a78bfa } }
body { margin: 0 auto; max-width: 1360px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 24px; margin: 0 }
h2 { font-size: 18px; margin: 36px 0 8px }
p { margin: 6px 0 } .quiet { color: var(--quiet) }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 5px 10px; border-bottom: 1px solid var(--rule);
  vertical-align: top }
th { font-weight: 600; color: var(--quiet) } td.number { text-align: right; white-space: nowrap }
.reached { color: var(--good) } .missed, .note { color: var(--slow) }
.violated, .problem { color: var(--bad); font-weight: 600 } .shown, .unmeasured { color: var(--quiet) }
.verdict { font-weight: 600 } .passed { color: var(--good) } .failed { color: var(--bad) }
.scroll { overflow-x: auto }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(560px, 100%), 1fr));
  gap: 12px; margin-top: 12px; align-items: start }
svg { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; width: 100% }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) }
svg .title { font-size: 13px; font-weight: 600 }
svg .axis { stroke: var(--rule) } svg .mark { stroke: var(--bad); stroke-dasharray: 4 3 }
svg .bar { fill: var(--bar) } svg .curve { fill: none; stroke: var(--bar); stroke-width: 1.8 }
svg .c1 { stroke: var(--c1) } svg .c2 { stroke: var(--c2) } svg .c3 { stroke: var(--c3) }
"""
_HEADINGS = ("figure", "measured", "our target", "verdict", "customary target", "verdict", "")


def html_report(run: Run) -> str:
    """The page."""
    outcome = "passed" if run.ok else "failed"
    about = (
        f"{run.servers} servers, {run.instances} instances, {run.duration_seconds:g} s for each"
        f" scenario; {run.machine}; {run.started_at}"
    )
    busy = f'<p class="note">{escape(busy_note(run))}</p>' if run.busy else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Rollcall scenarios: {outcome}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>Rollcall scenarios</h1>\n<p class="verdict {outcome}">{escape(summary(run))}</p>\n'
        f'<p class="quiet">{escape(about)}</p>\n{busy}\n'
        f"{''.join(_section(run, finding) for finding in run.findings)}</body>\n</html>\n"
    )


def _section(run: Run, finding: Finding) -> str:
    head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
    rows = "".join(map(_row, finding.rows))
    outcome = "failed" if finding.fails(run.targets) else "passed"
    problem = (
        f'<p class="problem">Ended early: {escape(finding.problem)}</p>\n'
        if finding.problem
        else ""
    )
    plots = "".join(map(draw, finding.plots))
    return (
        f'<h2 id="{escape(finding.name)}">{escape(finding.title)} '
        f'<span class="{outcome}">{outcome}</span> '
        f'<span class="quiet">{finding.seconds:.0f} s</span></h2>\n{problem}'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>\n'
        f'<div class="plots">{plots}</div>\n'
    )


def _row(row: Row) -> str:
    sides = "".join(
        f'<td class="number">{escape(row.target(side))}</td>{_verdict(row.verdict(side))}'
        for side in Side
    )
    return (
        f'<tr><td>{escape(row.name)}</td><td class="number">{escape(row.shown)}</td>{sides}'
        f'<td class="quiet">{escape(row.not_measured or row.detail)}</td></tr>\n'
    )


def _verdict(verdict: Verdict) -> str:
    kind = "unmeasured" if verdict is Verdict.NOT_MEASURED else verdict.value
    return f'<td class="{kind}">{verdict}</td>'
