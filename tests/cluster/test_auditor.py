"""The auditor against real servers, on deployments written by hand: no service is involved."""

import pytest

from rollcall_cluster.embedded import EmbeddedServers
from tests.unit.auditor.clean import clean_world
from tests.unit.auditor.deployment import Deployment, told
from tests.unit.auditor.plants import PLANTS, Plant


@pytest.fixture
def deployment(servers: EmbeddedServers, database: str, topic_prefix: str) -> Deployment:
    """An empty deployment of this test's own."""
    return Deployment(servers.kafka.address, database, topic_prefix)


async def test_a_clean_deployment_has_no_violation(deployment: Deployment):
    """The schema accepts what a correct service leaves behind, and so does the auditor."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    report = await deployment.audit()
    assert told(report) == {}
    assert (report.ok, report.exit_code, report.at_rest) == (True, 0, True)
    assert {check.code for check in report.checks if not check.checked} == set()


async def test_an_empty_deployment_has_no_violation(deployment: Deployment):
    """Nothing consumed, nothing wrong."""
    report = await deployment.audit()
    assert report.ok
    assert report.contents == 0


@pytest.mark.parametrize("planted", PLANTS, ids=lambda planted: planted.name)
async def test_a_planted_violation_is_found_and_nothing_else(
    deployment: Deployment, planted: Plant
):
    """Each violation is reported under its own codes, with an example."""
    await deployment.load(planted.world(deployment.prefix))
    found = told(await deployment.audit())
    assert set(found) == planted.found, found
    assert all(found.values())
