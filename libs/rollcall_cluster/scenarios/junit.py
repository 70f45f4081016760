"""A run as JUnit XML, for build servers: one suite for each scenario, one case for each figure."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rollcall_cluster.scenarios.findings import Finding, Run
from rollcall_cluster.scenarios.verdicts import Row, Side, Verdict

_ILLEGAL = re.compile(r"[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_ENDED = "the scenario ran to its end"


def junit(run: Run) -> str:
    """The document."""
    root = Element("testsuites", name="rollcall scenarios")
    suites = [_suite(run, finding) for finding in run.findings]
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(finding.seconds for finding in run.findings):.1f}")
    root.extend(suites)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(run: Run, finding: Finding) -> Element:
    cases = [_case(row, finding.name, run.targets) for row in finding.rows]
    cases.append(_end(finding))
    suite = Element("testsuite", name=finding.name, tests=str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{finding.seconds:.1f}")
    suite.set("timestamp", run.started_at)
    suite.extend(cases)
    return suite


def _case(row: Row, scenario: str, side: Side) -> Element:
    case = _named(row.name, scenario)
    if row.fails(side):
        wrong = row.correctness
        told = f"{row.shown}, target {row.target(side)}"
        kind = str(Verdict.VIOLATED if wrong else Verdict.MISSED)
        SubElement(case, "failure", message=_clean(told), type=kind).text = _clean(row.detail)
    elif row.verdict(side) is Verdict.NOT_MEASURED:
        SubElement(case, "skipped", message=_clean(row.not_measured))
    else:
        SubElement(case, "system-out").text = _clean(f"{row.shown} {row.detail}".strip())
    return case


def _end(finding: Finding) -> Element:
    case = _named(_ENDED, finding.name)
    if finding.problem:
        SubElement(case, "error", message=_clean(finding.problem), type="ended early")
    return case


def _named(name: str, scenario: str) -> Element:
    return Element(
        "testcase", name=_clean(name), classname=f"rollcall.scenarios.{scenario}", time="0"
    )


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return _ILLEGAL.sub("?", text)
