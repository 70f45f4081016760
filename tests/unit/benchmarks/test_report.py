"""The table and the pictures come from the newest raw results."""

from pathlib import Path

import orjson
import pytest
from benchmarks import results
from benchmarks.cores import cores
from benchmarks.errors import BenchmarkError
from benchmarks.marks import BEGIN, END, inserted
from benchmarks.plots import plots
from benchmarks.report import report, section
from benchmarks.verdicts import Bound, Target, judge
from rich.console import Console

LATENCY = {
    "machine": {"cores": 2, "processor": "some processor"},
    "runs": [
        {"at": "slow", "rate": 100.0, "percentiles_ms": {"p50": 9.0, "p99": 30.0}},
        {"at": "half", "rate": 7000.0, "percentiles_ms": {"p50": 40.0, "p99": 130.0}},
    ],
    "figures": {"p50 ms slow": [9.0]},
}


def store(folder: Path, name: str, content: object) -> None:
    """A raw result."""
    (folder / name).write_bytes(orjson.dumps(content))


def test_the_newest_file_of_each_benchmark_counts(tmp_path: Path) -> None:
    """Files without figures are of earlier programs."""
    store(tmp_path, "2026-01-01-a.json", {"benchmark": "a", "figures": {"x": [1]}})
    store(tmp_path, "2026-01-02-a.json", {"benchmark": "a", "figures": {"x": [2]}})
    store(tmp_path, "2026-01-03-a.json", {"benchmark": "a"})
    found = results.newest(tmp_path)
    assert found.keys() == {"a"}
    assert (found["a"]["figures"], found["a"]["file"]) == ({"x": [2]}, "2026-01-02-a.json")


def test_smaller_runs_do_not_displace_full_ones(tmp_path: Path) -> None:
    """Files of earlier programs do not say how much was measured: they are full."""
    store(tmp_path, "2026-01-01-a.json", {"benchmark": "a", "figures": {"x": [1]}})
    with results.kept_in(tmp_path):
        for sizes, value in ((results.FULL, 2), (results.QUICK, 3), (results.CUSTOM, 4)):
            with results.of_sizes(sizes):
                file = results.write("a", {"figures": {"x": [value]}})
                file.rename(tmp_path / f"2026-01-0{value}-a.json")
        results.write("a", {"figures": {"x": [5]}})
    assert results.newest(tmp_path)["a"]["figures"] == {"x": [2]}
    assert results.newest(tmp_path, results.QUICK)["a"]["figures"] == {"x": [3]}


def test_a_report_of_nothing_full_is_refused(tmp_path: Path) -> None:
    """A quick run proves that it runs, and nothing else."""
    store(tmp_path, "2026-01-01-a.json", {"benchmark": "a", "sizes": "quick", "figures": {}})
    with pytest.raises(BenchmarkError, match="no full results"):
        report(Console(quiet=True), write=False, folder=tmp_path)


def test_only_what_was_measured_is_drawn() -> None:
    """One picture for each benchmark that has results."""
    assert plots({}) == {}
    (name,) = drawn = plots({"latency": LATENCY})
    assert name == "latency.svg"
    assert "7,000 events/s, p99" in drawn[name]


def test_cores_in_use_are_shares_of_the_time_that_a_run_took() -> None:
    """Medians of the rounds; at a pace, CPU time for each event times the rate."""
    usage = {"replicas": 4.0, "postgres": 2.0, "kafka": 1.0, "harness": 0.0}
    run = {"contestant": "rollcall", "replicas": 1, "workload": "keyed", "seconds": 5.0}
    measured = {"machine": {"cores": 2}, "measurements": [run | {"usage": usage}]}
    paced = {"at": "slow", "rate": 100.0}
    costs = {"replica": 4000.0, "postgres": 2000.0, "kafka": 5000.0, "measuring": 500.0}
    drawn = cores(measured, {"runs": [paced | {"cpu_us": costs}]})
    assert "rollcall x1" in drawn
    assert ">1.40<" in drawn
    assert "latency, 100 events/s" in drawn
    assert ">1.15<" in drawn


def test_the_page_keeps_what_is_around_the_figures() -> None:
    """Written again, it is the same."""
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = inserted(page, "new")
    assert once == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert inserted(once, "new") == once


def test_a_page_without_marks_is_refused() -> None:
    """Rather than overwritten."""
    with pytest.raises(BenchmarkError, match="marks"):
        inserted("page", "new")


def test_the_section_tells_target_measurement_verdict_and_source() -> None:
    """One row for each, and the file that it comes from."""
    verdicts = judge(
        [Target("latency", "latency/p50 ms slow", Bound.BELOW, 15, " ms")],
        {"latency": LATENCY["figures"]},  # type: ignore[dict-item]
    )
    found = {"latency": {"file": "raw.json", "at": "2026-01-01", "code": "abc"}}
    text = section(verdicts, found, ["latency.svg"])
    assert "| latency | < 15 ms | 9 ms | **reached** |" in text
    assert "| latency | `raw.json` | 2026-01-01 | `abc` |" in text
    assert "![latency](performance/latency.svg)" in text


def test_a_profile_is_drawn_for_each_rate() -> None:
    """With the rate that was sampled, and its stages alone."""
    profiles = [
        {"at": "full", "events_per_second": 12_000.0, "writing_share": 0.1},
        {"at": "slow", "events_per_second": 100.0, "writing_share": 0.345},
    ]
    figures = {"handlers us full": [5.0], "handlers us slow": [700.0], "segments us slow": [9.0]}
    drawn = plots({"profile": {"profiles": profiles, "figures": figures}})
    assert list(drawn) == ["profile-full.svg", "profile-slow.svg"]
    assert "at 12,000 events/s" in drawn["profile-full.svg"]
    assert "segments" not in drawn["profile-full.svg"]
    assert "at 100 events/s" in drawn["profile-slow.svg"]
    assert ">700<" in drawn["profile-slow.svg"]
    assert "34% of the samples in write(2)" in drawn["profile-slow.svg"]
