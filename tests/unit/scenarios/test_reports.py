"""Table, JSON, JUnit and HTML of a run with planted failures."""

import json
import re
from html.parser import HTMLParser
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from rollcall_cluster.scenarios.findings import BarPlot
from rollcall_cluster.scenarios.html_report import html_report
from rollcall_cluster.scenarios.junit import junit
from rollcall_cluster.scenarios.plots import draw, nice
from rollcall_cluster.scenarios.table import print_finding, print_summary
from rollcall_cluster.scenarios.verdicts import Side
from tests.unit.scenarios import planted

_VOID = {"meta", "br", "img", "link"}
ALL_ROWS = (
    planted.GOOD,
    planted.DOUBLE,
    planted.SLOW,
    planted.SHOWN,
    planted.UNMEASURED,
)


class _Page(HTMLParser):
    """Tags that are open, and what is asked from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing stays open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_junit_has_a_case_for_every_row_and_one_for_the_end() -> None:
    """Counts agree with the cases; characters that XML cannot hold are replaced."""
    root = ElementTree.fromstring(junit(planted.run(*ALL_ROWS)))
    (suite,) = root
    assert (root.tag, suite.tag, suite.get("name")) == (
        "testsuites",
        "testsuite",
        "race_conditions",
    )
    counts = {"tests": "6", "failures": "2", "errors": "0", "skipped": "1"}
    for element in (root, suite):
        assert {name: element.get(name) for name in counts} == counts
    assert len(suite.findall("testcase")) == 6
    assert {case.get("classname") for case in suite} == {"rollcall.scenarios.race_conditions"}
    failures = {case.get("name"): case.find("failure") for case in suite}
    double = failures["slots <assigned> & 'doubled'"]
    assert double is not None
    assert (double.get("type"), double.text) == ("violated", "els-2? wrote twice")
    slow = failures["Redis operations, P95"]
    assert slow is not None
    assert (slow.get("type"), slow.get("message")) == ("missed", "12.50 ms, target < 10 ms")


def test_junit_follows_the_chosen_targets() -> None:
    """What is slow by ours may do by the customary ones; what is wrong never does."""
    root = ElementTree.fromstring(junit(planted.run(*ALL_ROWS, targets=Side.CUSTOMARY)))
    assert [
        case.get("name") for case in root.iter("testcase") if case.find("failure") is not None
    ] == ["slots <assigned> & 'doubled'"]


def test_junit_tells_a_scenario_that_ended_early_as_an_error() -> None:
    """Even if it measured nothing."""
    root = ElementTree.fromstring(junit(planted.run(problem="TimeoutError: <no> completion")))
    assert (root.get("tests"), root.get("errors")) == ("1", "1")
    (error,) = root.iter("error")
    assert error.get("message") == "TimeoutError: <no> completion"


def test_html_is_one_page_that_needs_nothing_beside_itself() -> None:
    """Tags are closed, nothing is loaded, text is escaped, both colour schemes are there."""
    page = _Page()
    text = html_report(planted.run(*ALL_ROWS, problem="TimeoutError: <b>"))
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert not re.search(r"url\(|@import|<script", text)
    assert "prefers-color-scheme: dark" in text
    for told in (
        "slots <assigned> & 'doubled'",
        "Races & <more>",
        "Ended early: TimeoutError: <b>",
    ):
        assert told in page.text
    for verdict in ("reached", "missed", "violated", "not measured", "shown"):
        assert f">{verdict}</td>" in text
    assert "run as root" in page.text
    assert text.count("<svg") == 3


def test_a_busy_machine_is_told() -> None:
    """Figures of speed from it say little."""
    run = planted.run(planted.GOOD)
    assert "was busy" not in html_report(run)
    run.load = 5.0
    assert "was busy" in html_report(run)


def test_json_holds_both_verdicts_of_every_row() -> None:
    """For programs that read them."""
    raw = json.loads(json.dumps(planted.run(*ALL_ROWS).raw()))
    assert (raw["ok"], raw["findings"][0]["fails"]) == (False, True)
    rows = {row["name"]: row["verdict"] for row in raw["findings"][0]["rows"]}
    assert rows["Redis operations, P95"] == {"ours": "missed", "customary": "reached"}
    assert raw["findings"][0]["plots"][0]["bars"] == {"els-1": 3.0, "els-2": 0.0}


def test_the_table_shows_target_measured_and_verdict() -> None:
    """And, below it, what was wrong and what was not measured."""
    run = planted.run(*ALL_ROWS, problem="TimeoutError: [none]")
    console = Console(file=StringIO(), width=200)
    print_finding(run.findings[0], console)
    print_summary(run, console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    (line,) = [each for each in told.splitlines() if each.startswith("│ Redis operations")]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == [
        "Redis operations, P95",
        "12.50 ms",
        "< 10 ms",
        "missed",
        "< 100 ms",
        "reached",
    ]
    assert "not measured: 5 instances over 1, equal CPU quotas: no cgroup: run as root" in told
    assert "ended early: TimeoutError: [none]" in told
    assert "failed by our targets" in told


@pytest.mark.parametrize("number", range(3))
def test_a_plot_is_well_formed(number: int) -> None:
    """Rows, columns where there are many, and curves."""
    plot = planted.run().findings[0].plots[number]
    root = ElementTree.fromstring(draw(plot))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text == plot.title


def test_bars_are_as_long_as_their_values() -> None:
    """The mark is at its own."""
    root = ElementTree.fromstring(draw(planted.run().findings[0].plots[0]))
    bars = [float(e.get("width", 0)) for e in root.iter("{http://www.w3.org/2000/svg}rect")]
    (mark,) = root.iter("{http://www.w3.org/2000/svg}line")
    left = 190
    assert bars[0] == pytest.approx((float(mark.get("x1", 0)) - left) * 3 / 2, abs=0.2)
    assert bars[1] == 1.0


def test_large_figures_have_no_exponent() -> None:
    """23,410 and not 2.341e+04."""
    drawn = draw(BarPlot("contents", "/s", {"els-1": 23_410.0, "els-2": 0.123456}))
    assert ">23,410/s<" in drawn
    assert ">0.1235/s<" in drawn


@pytest.mark.parametrize(("most", "top"), [(0, 1), (0.3, 0.5), (7, 10), (20, 20), (1001, 2000)])
def test_axes_end_at_round_numbers(most: float, top: float) -> None:
    """The next 1, 2 or 5."""
    assert nice(most) == top
