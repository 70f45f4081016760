"""Prometheus and Grafana of the rig: what they are given is valid, loaded, and shows data of a real load."""

import json
import subprocess

import httpx
import pytest
from monitoring.panels import DASHBOARDS

from tests.docker.rig import ROOT, Rig
from tests.eventually import eventually
from tests.unit.test_alerts import ALERTS, RECORDED

PROMETHEUS = "prom/prometheus:v3.5.0"
QUERIES = [
    pytest.param(query.expr, id=f"{dashboard.uid}: {panel.title}: {query.legend}")
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
    for query in panel.queries
]


def promtool(*arguments: str) -> str:
    """Run promtool of Prometheus' image on the repository."""
    command = [
        "docker",
        "run",
        "--rm",
        "-v",
        f"{ROOT}:/work:ro",
        "-w",
        "/work",
        "--entrypoint",
        "promtool",
    ]
    done = subprocess.run(
        [*command, PROMETHEUS, *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_rules_do_what_their_tests_say() -> None:
    told = promtool("test", "rules", "tests/docker/rollcall.rules.test.yml")
    assert "SUCCESS" in told


def test_prometheus_takes_its_configuration() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


def test_prometheus_runs_every_rule(prometheus: httpx.Client) -> None:
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert sorted(rule["name"] for rule in rules) == sorted([*ALERTS, *RECORDED])
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


async def test_prometheus_finds_every_replica(prometheus: httpx.Client) -> None:
    def up() -> bool:
        found = prometheus.get(
            "/api/v1/query", params={"query": 'up{job="essay-lifecycle-service"}'}
        )
        return [item["value"][1] for item in found.json()["data"]["result"]] == ["1"] * 3

    await eventually(up, deadline_seconds=30)


@pytest.mark.parametrize("expr", QUERIES)
async def test_every_query_of_a_panel_returns_data(prometheus: httpx.Client, expr: str) -> None:
    def has_data() -> bool:
        answer = prometheus.get("/api/v1/query", params={"query": expr}).json()
        assert answer["status"] == "success", answer
        return any(item["value"][1] != "NaN" for item in answer["data"]["result"])

    await eventually(has_data, deadline_seconds=40, poll_seconds=1)


def test_grafana_has_loaded_what_is_in_the_repository(rig: Rig) -> None:
    with httpx.Client(
        base_url=rig.url("GRAFANA"), auth=("admin", "rollcall"), timeout=10
    ) as grafana:
        source = grafana.get("/api/datasources/uid/prometheus").json()
        assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
        health = grafana.get("/api/datasources/uid/prometheus/health")
        assert health.status_code in (200, 404), health.text  # 404: a Grafana without this call
        for dashboard in DASHBOARDS:
            file = ROOT / "grafana" / "dashboards" / f"{dashboard.uid}.json"
            loaded = grafana.get(f"/api/dashboards/uid/{dashboard.uid}").raise_for_status().json()
            assert loaded["meta"]["provisioned"] is True
            wanted = json.loads(file.read_text())
            assert {key: loaded["dashboard"][key] for key in wanted} == wanted
