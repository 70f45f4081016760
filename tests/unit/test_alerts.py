"""Rules for Prometheus: each tested both ways, each with a runbook that exists, on metrics that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "rollcall.rules.yml").read_text()
PROMTOOL_TESTS = (ROOT / "tests/docker/rollcall.rules.test.yml").read_text()
ALERTS = re.findall(r"- alert: (\w+)", RULES)
RECORDED = re.findall(r"- record: (\S+)", RULES)


def anchors(document: Path) -> set[str]:
    """The anchors that a Markdown page's headings get."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alert_has_a_runbook_that_exists() -> None:
    runbooks = re.findall(r"runbook: (\S+)#(\S+)", RULES)
    assert [anchor for _, anchor in runbooks] == [alert.lower() for alert in ALERTS]
    for document, anchor in runbooks:
        assert anchor in anchors(ROOT / document)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tested_firing_and_quiet(alert: str) -> None:
    for case in ("fires", "is quiet"):
        assert f"- name: {alert} {case}\n" in PROMTOOL_TESTS


@pytest.mark.parametrize("rule", RECORDED)
def test_every_recording_rule_is_tested(rule: str) -> None:
    assert f"- name: {rule}\n" in PROMTOOL_TESTS


def test_rules_speak_of_metrics_that_exist() -> None:
    reference = (ROOT / "docs/reference.md").read_text()
    named = set(re.findall(r"\brollcall_[a-z_]+", "\n".join(re.findall(r"expr: (.+)", RULES))))
    known = set(re.findall(r"\| `(rollcall_[a-z_]+)`", reference))
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} <= known
