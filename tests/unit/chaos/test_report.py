"""Tables, verdict and picture of a run, from a result made by hand."""

import json
import xml.etree.ElementTree as ElementTree
from io import StringIO

from rich.console import Console

from rollcall_cluster.chaos.report import markdown, print_result, rows, verdict
from rollcall_cluster.chaos.results import ChaosResult, FaultRecord, RoundRecord
from rollcall_cluster.chaos.schedule import LeftOut
from rollcall_cluster.chaos.timeline import draw_timeline

_SVG = "{http://www.w3.org/2000/svg}"


def _fault(number: int, name: str, seconds: float | None, round_: int = 1) -> FaultRecord:
    return FaultRecord(
        number,
        round_,
        name,
        detail="els-2 <wounded>",
        began=number * 10.0,
        ended=number * 10.0 + 3,
        settled=None if seconds is None else number * 10.0 + 3 + seconds,
        rate_before=600.0,
        rate_seconds=seconds,
        backlog_seconds=seconds,
        disturbed_seconds=None if seconds is None else seconds + 2,
        limit_seconds=9.0,
    )


def _result() -> ChaosResult:
    result = ChaosResult(7, 3, 600.0, 4, "2026-01-01T00:00:00+00:00", "2 cores")
    result.rounds = [RoundRecord(1, 0.0, 60.0, 3, records=1_000, checks=55, problem=None)]
    result.faults = [_fault(1, "kill-one", 4.0), _fault(2, "zombie", 1.0), _fault(3, "zombie", 3.0)]
    result.left_out = [LeftOut("kafka-crash", "kafka is not ours: it would hurt others")]
    result.samples = [
        (i / 2, i * 300, None if 30 < i < 40 else i * 300 - 5, 3, 3) for i in range(120)
    ]
    return result


def test_faults_are_summed_up_by_name():
    """How often, the median, the longest."""
    killed, zombies = rows(_result())
    assert (killed.name, killed.times, killed.rate_longest) == ("kill-one", 1, 4.0)
    assert (zombies.times, zombies.rate_median, zombies.rate_longest) == (2, 2.0, 3.0)
    assert not killed.late


def test_a_clean_run_is_ok():
    """No violation, everything in time."""
    result = _result()
    assert result.ok
    assert verdict(result).startswith("0 violations in 1 audits of 1,000 records, 0 silently idle")


def test_one_that_did_not_recover_is_late_and_has_no_longest_time():
    """An unknown time is not a small one."""
    result = _result()
    result.faults.append(_fault(4, "zombie", None))
    (zombies,) = [row for row in rows(result) if row.name == "zombie"]
    assert (zombies.late, zombies.rate_longest) == (1, None)
    assert not result.ok
    assert "1 of 4 faults not recovered in time" in verdict(result)


def test_violations_belong_to_every_fault_of_their_round():
    """The auditor comes at the end of a round: any of them may have done it."""
    result = _result()
    result.rounds.append(
        RoundRecord(2, 60.0, 90.0, 1, violations=2, violated=["slots"], problem=None)
    )
    result.faults.append(_fault(4, "malformed", 0.0, round_=2))
    found = {row.name: row.violations for row in rows(result)}
    assert found == {"kill-one": 0, "zombie": 0, "malformed": 2}
    assert not result.ok


def test_a_silently_idle_replica_or_a_missing_audit_is_not_ok():
    """Each by itself."""
    idle, unaudited = _result(), _result()
    idle.rounds[0].idle = ["els-1 was ready and silently idle for 26 s"]
    unaudited.rounds[0].problem = "not audited: Kafka is gone"
    assert not idle.ok
    assert not unaudited.ok


def test_a_round_that_was_cut_off_before_its_audit_proves_nothing():
    """No violations were found where nobody looked."""
    result = _result()
    result.rounds.append(RoundRecord(2, 60.0, faults=5))
    assert not result.ok
    assert verdict(result).startswith("0 violations in 1 audits")
    assert "| 2 | 5 | 0 | 0 | not audited: the run ended before | 0 |" in markdown(result)


def test_what_people_see_names_what_was_missed():
    """The fault, the limit, the reason for what was left out."""
    result = _result()
    result.faults.append(_fault(4, "zombie", 20.0))
    result.faults.append(_fault(5, "clock-ahead", 3.0))
    result.faults[-1].settled = None
    out = StringIO()
    print_result(result, Console(file=out, width=200))
    assert "fault 5, clock-ahead (els-2 <wounded>): the rate was back in time, but" in (
        out.getvalue()
    )
    assert "fault 4, zombie (els-2 <wounded>): rate back after 20.0 s, allowed are 9 s" in (
        out.getvalue()
    )
    assert "left out: kafka-crash: kafka is not ours" in out.getvalue()


def test_brackets_in_what_people_see_are_no_markup():
    """Evidence and reasons are text of others, whatever stands in them."""
    result = _result()
    evidence = "[provided by file.essay.content.provisioned.v1-3@17; holds slot 4]"
    result.rounds[0] = RoundRecord(
        1,
        0.0,
        violations=1,
        violated=[f"slot-not-announced (1): content text-1 of batch b {evidence}"],
        idle=["els-1 [/x]"],
        problem="not audited: [/y] z",
    )
    missed = _fault(4, "zombie", None)
    missed.problem = "OSError: [Errno 5] [input/output]"
    result.faults.append(missed)
    result.left_out = [LeftOut("kafka-crash", "[not] ours")]
    out = StringIO()
    print_result(result, Console(file=out, width=250))
    shown = out.getvalue()
    told = (evidence, "els-1 [/x]", "OSError: [Errno 5] [input/output]", "kafka-crash: [not] ours")
    assert [text for text in told if text not in shown] == []
    assert shown.count("not audited: [/y] z") == 2


def test_markdown_has_a_row_for_each_fault_and_round():
    """As docs/reliability.md shows it."""
    text = markdown(_result())
    assert "| zombie | 2 | 2.0 | 3.0 | 3.0 | 5.0 | 9 | 0 | 0 |" in text
    assert "| 1 | 3 | 1,000 | 55 | 0 | 0 |" in text


def test_the_picture_is_svg_with_a_band_for_each_fault_and_gaps_for_silence():
    """Names are escaped; a server that did not answer breaks the line."""
    root = ElementTree.fromstring(draw_timeline(_result()))
    labels = [text.text for text in root.iter(f"{_SVG}text")]
    assert {"1 kill-one", "2 zombie", "3 zombie"} <= set(labels)
    assert any("<wounded>" in (title.text or "") for title in root.iter(f"{_SVG}title"))
    rates, lags = [path.attrib["d"] for path in root.iter(f"{_SVG}path")]
    assert rates.count("M") == lags.count("M") == 2


def test_an_empty_run_can_be_drawn():
    """Ctrl-C may come before anything was seen."""
    result = ChaosResult(7, 3, 600.0, 4, "2026-01-01T00:00:00+00:00", "2 cores")
    result.rounds = [RoundRecord(1, 0.0)]
    ElementTree.fromstring(draw_timeline(result))


def test_raw_data_come_back():
    """Tables and picture can be made again from the file."""
    result = _result()
    again = ChaosResult.of_raw(json.loads(json.dumps(result.raw())))
    assert again == result
