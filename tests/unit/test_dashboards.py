"""Dashboards: what is committed is what the definitions say, on metrics that exist."""

import re
from pathlib import Path

import pytest
from monitoring.grafana import FOLDER, as_json
from monitoring.panel import Dashboard
from monitoring.panels import DASHBOARDS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_the_committed_file_is_generated(dashboard: Dashboard) -> None:
    assert (FOLDER / f"{dashboard.uid}.json").read_text() == as_json(dashboard), "run make docs"


def test_nothing_else_is_provisioned() -> None:
    wanted = {f"{dashboard.uid}.json" for dashboard in DASHBOARDS}
    assert {file.name for file in FOLDER.iterdir()} == wanted


def test_panels_speak_of_metrics_that_exist() -> None:
    reference = (ROOT / "docs/reference.md").read_text()
    recorded = set(re.findall(r"- record: (\S+)", (ROOT / "rollcall.rules.yml").read_text()))
    known = set(re.findall(r"\| `(rollcall_[a-z_]+)`", reference)) | recorded
    for query in (query for d in DASHBOARDS for panel in d.panels for query in panel.queries):
        for name in re.findall(r"\brollcall[_:][a-z0-9_:]+", query.expr):
            assert re.sub(r"_(bucket|sum|count)$", "", name) in known
