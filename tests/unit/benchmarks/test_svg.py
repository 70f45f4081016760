"""Pictures are well-formed, the same for the same input, and show every value."""

from xml.etree import ElementTree

import pytest
from benchmarks.summary import Summary
from benchmarks.svg import Bar, Line, bars, lines, nice

NAMESPACE = {"s": "http://www.w3.org/2000/svg"}


def texts(picture: str) -> list[str | None]:
    """Every text of a picture."""
    return [each.text for each in ElementTree.fromstring(picture).iterfind(".//s:text", NAMESPACE)]


def test_each_bar_has_its_label_and_its_median() -> None:
    """Labels may hold what XML reserves."""
    items = [
        Bar("ours", Summary(12_345, 12_000, 13_000), ours=True),
        Bar("a < b", Summary(1, 1, 1)),
    ]
    picture = bars("Rates", "2 cores", "/s", items)
    assert {"Rates", "2 cores", "ours", "12,345/s", "a < b", "1/s"} <= set(texts(picture))
    assert picture == bars("Rates", "2 cores", "/s", items)


def test_the_longest_bar_fits() -> None:
    """With the line of its extremes."""
    picture = bars("Rates", "", "", [Bar("a", Summary(10, 5, 90)), Bar("b", Summary(30, 30, 30))])
    root = ElementTree.fromstring(picture)
    width = float(root.attrib["viewBox"].split()[2])
    assert all(float(line.attrib["x2"]) <= width for line in root.iterfind(".//s:line", NAMESPACE))


def test_lines_show_each_point() -> None:
    """Dots alone are not connected."""
    picture = lines(
        "Scaling",
        "",
        "replicas",
        "",
        [Line("measured", [(1, 10), (3, 29)], dots_only=True), Line("ideal", [(0, 0), (5, 50)])],
    )
    root = ElementTree.fromstring(picture)
    assert len(root.findall(".//s:circle", NAMESPACE)) == 4
    assert len(root.findall(".//s:path", NAMESPACE)) == 1
    assert {"measured", "ideal", "50", "5 replicas"} <= set(texts(picture))


def test_nothing_can_be_drawn() -> None:
    """A picture without values is empty, not an error."""
    assert ElementTree.fromstring(bars("None", "", "", [])) is not None
    assert ElementTree.fromstring(lines("None", "", "", "", [])) is not None


@pytest.mark.parametrize(
    ("most", "end"), [(0, 1), (1, 1), (1.1, 2), (4.2, 5), (51, 100), (0.03, 0.05), (200, 200)]
)
def test_axes_end_at_a_round_number(most: float, end: float) -> None:
    """Never below the largest value."""
    assert nice(most) == pytest.approx(end)
