"""The cluster test manager on a cluster of its own, and the pytest plugin in somebody else's project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rollcall_cluster.testing import BatchRequest, MultiInstanceTestManager

THEIR_TEST = """
import pytest
from rollcall_cluster.testing import BatchRequest

@pytest.mark.asyncio
async def test_a_batch_is_completed(rollcall_cluster):
    async with rollcall_cluster as cluster:
        await cluster.wait_for_healthy()
        (batch_id,) = await cluster.create_batches_concurrent([BatchRequest(slots=3)])
        await cluster.wait_for_batch_completion(batch_id, 30)
"""


@pytest.fixture(autouse=True)
def no_servers_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """These clusters start servers of their own."""
    for variable in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        monkeypatch.delenv(variable)


async def test_batches_are_created_awaited_and_the_same_on_every_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROLLCALL_TEST_ELS_COUNT", "2")
    cluster = await MultiInstanceTestManager.setup_from_env()
    try:
        await cluster.wait_for_healthy()
        assert (await cluster.instance_counts())["essay-lifecycle-service"] == 2
        requests = [
            BatchRequest(slots=20, contents=25),
            BatchRequest(slots=5),
            BatchRequest(slots=3, contents=2),
        ]
        full, small, lacking = await cluster.create_batches_concurrent(requests)

        done = await cluster.wait_for_batches_completion([full, small])
        assert [batch["filled_count"] for batch in done] == [20, 5]
        for batch_id in (full, small):
            await cluster.verify_batch_consistency(batch_id)
        with pytest.raises(TimeoutError):
            await cluster.wait_for_batch_completion(lacking, timeout_seconds=0.5)
    finally:
        await cluster.teardown()


@pytest.mark.long
def test_other_projects_get_the_fixture_by_installing_the_package(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(THEIR_TEST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_theirs.py"],
        cwd=tmp_path,
        env={**os.environ, "ROLLCALL_TEST_ELS_COUNT": "1"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
