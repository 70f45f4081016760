"""The command that arms failpoints: what it takes, what it refuses, what happens when one is reached."""

import asyncio
import json
import signal
import subprocess
import sys

import psutil
import pytest

from rollcall.failpoints import Failpoint
from rollcall_cluster.failpoints import FAILPOINTS, Action, Arming, Trigger, launcher_command
from tests.eventually import DEADLINE_SECONDS, eventually

_REACH_THREE_TIMES = """
import sys
from rollcall import failpoints
from rollcall.failpoints import Failpoint, armed
from rollcall_cluster.failpoints import Arming, Trigger
with armed(Arming([Trigger.parse(sys.argv[1])])):
    for number in range(3):
        failpoints.reached(Failpoint.CHUNK_HANDLED)
        failpoints.reached(Failpoint.CHUNK_BEGUN)
        print(number, flush=True)
"""


def test_a_trigger_is_read_as_it_is_written():
    trigger = Trigger.parse("chunk.begun:stop:3")
    assert trigger == Trigger(Failpoint.CHUNK_BEGUN, Action.STOP, 3)
    assert Trigger.parse(str(trigger)) == trigger
    assert Trigger.parse("chunk.begun:kill").nth == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("chunk.begin:kill", "--list"),
        ("chunk.begun", "kill, stop"),
        ("chunk.begun:pause", "kill, stop"),
        ("chunk.begun:kill:0", "from 1"),
        ("chunk.begun:kill:x", "from 1"),
    ],
)
def test_a_trigger_that_is_none_tells_what_is_possible(text: str, told: str):
    with pytest.raises(ValueError, match=told):
        Trigger.parse(text)


def test_a_process_dies_when_the_failpoint_is_reached_for_the_nth_time_and_says_so():
    done = _run(sys.executable, "-c", _REACH_THREE_TIMES, "chunk.begun:kill:2")
    assert done.returncode == -signal.SIGKILL
    assert (done.stdout, done.stderr) == ("0\n", "failpoint reached: chunk.begun:kill:2\n")


async def test_a_process_stalls_at_the_failpoint_and_goes_on_behind_it():
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _REACH_THREE_TIMES, "chunk.begun:stop:3"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await process.stderr.readline() == b"failpoint reached: chunk.begun:stop:3\n"
        await eventually(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        process.send_signal(signal.SIGCONT)
        assert await process.stdout.read() == b"0\n1\n2\n"
        assert await process.wait() == 0


def test_a_command_runs_as_it_would_without_failpoints():
    command = launcher_command([Trigger(Failpoint.CHUNK_BEGUN, Action.KILL)], _SETTINGS)
    done = _run(*command)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ROLLCALL_SWEEP_SECONDS" in done.stdout


_SETTINGS = ("essay-lifecycle-service", "settings")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chunk.begun:kill", "--", "no-such-command"], "essay-lifecycle-service"),
        (["chunk.begun:kill"], "behind --"),
        (["--", *_SETTINGS], "at least one trigger"),
        (["chunk:kill", "--", *_SETTINGS], "--list"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments: list[str], told: str):
    done = _run(sys.executable, "-m", "rollcall_cluster.failpoints", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_the_listing_holds_every_failpoint():
    listing = _run(sys.executable, "-m", "rollcall_cluster.failpoints", "--list", "--json")
    rows = json.loads(listing.stdout)["failpoints"]
    assert {row["name"]: row["meaning"] for row in rows} == {
        name: failpoint.meaning for name, failpoint in FAILPOINTS.items()
    }


def test_failpoints_without_a_trigger_pass():
    Arming([])(Failpoint.CHUNK_BEGUN)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
