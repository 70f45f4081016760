"""How failpoints are reached: a play makes an armed process die at each of its triggers, or fails."""

import asyncio
import signal
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import httpx

from rollcall.dead_letters.letter import LetterFilter
from rollcall.failpoints import Failpoint
from rollcall_cluster.embedded.errors import log_tail
from rollcall_cluster.failpoints import Action, Trigger, launcher_command
from rollcall_cluster.purge.failpoints import PurgeFailpoint
from rollcall_events import EssayContentProvisionedV1
from rollcall_events.topics import topic_for
from tests.cluster.failpoints.arena import Arena
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.fixtures.topics import PARTITIONS
from tests.service_process import ServiceProcess
from tests.services.rollcall_command import RollcallCommand

Play = Callable[..., Awaitable[None]]
"""Called with the arena and the triggers: one, or several for those that take more."""

Feed = Callable[[], Awaitable[None]]

_TOPIC = topic_for(EssayContentProvisionedV1).name
# How often the load is sent again, and how long its arrival may take, before a play gives up.
_ROUNDS = 8
_ROUND_SECONDS = 5.0


def was_reached(replica: ServiceProcess, trigger: Trigger) -> bool:
    """Whether a replica has said that it is at the failpoint."""
    return trigger.notice in replica.log


async def reach(arena: Arena, replica: ServiceProcess, trigger: Trigger) -> None:
    """Give a replica that has joined work until it is at the failpoint."""
    await _joined(replica, trigger)
    await _feed_until_reached({trigger: replica}, arena.feed)


async def under_load(arena: Arena, *triggers: Trigger) -> None:
    """Beside a replica that stays, while all of them work."""
    await arena.ordinary()
    await _die(arena, triggers, arena.feed)
    await arena.feed()


async def with_poison(arena: Arena, *triggers: Trigger) -> None:
    """Beside a replica that stays, while all find records that no transaction can take."""
    await arena.ordinary()
    await _die(arena, triggers, arena.feed_poison)


async def with_deadlines(arena: Arena, *triggers: Trigger) -> None:
    """One after the other, each as the only replica, when the deadlines of batches pass."""
    await _die_alone(arena, triggers, arena.feed_due)


async def alone_under_load(arena: Arena, *triggers: Trigger) -> None:
    """The only replica: what one of all instances does at a time, another might do each time."""
    await _die_alone(arena, triggers, arena.feed)


async def with_half_a_registration(arena: Arena, trigger: Trigger) -> None:
    """One of two replicas, when registrations are repeated whose slots somebody has deleted."""
    await arena.ordinary()
    await _die(arena, [trigger], arena.feed_half_registered)


async def when_another_joins(arena: Arena, trigger: Trigger) -> None:
    """The only replica, when it has to share."""
    await arena.dismiss_ordinary()
    armed = arena.start("armed", trigger)
    await _joined(armed, trigger)
    with suppress(httpx.TransportError):  # a slow one may be at its failpoint, and end, by itself
        await arena.wait_until_owned_by(armed)
    await arena.feed()
    joining = asyncio.ensure_future(arena.ordinary())
    await _arrives(armed, trigger)
    await _died(armed)
    await joining


async def when_told_to_stop(arena: Arena, *triggers: Trigger) -> None:
    """Beside a replica that stays, at a clean stop under load."""
    await arena.ordinary()
    armed = {trigger: arena.start("armed", trigger) for trigger in triggers}
    await asyncio.gather(*(replica.wait_ready() for replica in armed.values()))
    await arena.feed()
    for replica in armed.values():
        replica.terminate()
    for trigger, replica in armed.items():
        await _arrives(replica, trigger)
        await _died(replica)


async def as_the_first(arena: Arena, trigger: Trigger) -> None:
    """The first replica of a new deployment; needs an arena on which none has run."""
    armed = arena.start("armed", trigger)
    await arena.feed()
    await _arrives(armed, trigger)
    await _died(armed)
    await arena.ordinary()


async def as_a_successor(arena: Arena, trigger: Trigger) -> None:
    """The next owner of a lane whose owner died when it had numbered segments."""
    await arena.dismiss_ordinary()
    numbered = Trigger(Failpoint.LANE_NUMBERED, Action.KILL)
    first = arena.start("first", numbered)
    await reach(arena, first, numbered)
    await _died(first)
    armed = arena.start("armed", trigger)
    await _arrives(armed, trigger)
    await _died(armed)
    await arena.ordinary()


async def when_a_topic_turns_bad(arena: Arena, trigger: Trigger) -> None:
    """One of two replicas, when it pauses a topic; then an operator resumes it."""
    await arena.ordinary()
    limits = {
        "ROLLCALL_DEAD_LETTER_MAX_SHARE": "0.5",
        "ROLLCALL_DEAD_LETTER_WINDOW_RECORDS": "10",
    }
    armed = arena.start("armed", trigger, **limits)
    await armed.wait_ready()
    async with arena.kafka() as kafka:
        for partition in range(PARTITIONS):
            for _ in range(20):
                await kafka.send_raw(EssayContentProvisionedV1, b"not JSON", partition=partition)
    await _arrives(armed, trigger)
    await _died(armed)
    told = await RollcallCommand(arena.environment)("topic", "resume", _TOPIC)
    paused = trigger.failpoint == Failpoint.PAUSE_WRITTEN
    assert ("resumed" if paused else "was not paused") in told


async def when_paused_by_hand(arena: Arena, trigger: Trigger) -> None:
    """One of two replicas, when it notices that an operator has paused a topic; then it is resumed."""
    await arena.ordinary()
    armed = arena.start("armed", trigger)
    await armed.wait_ready()
    rollcall = RollcallCommand(arena.environment)
    await rollcall("topic", "pause", _TOPIC)
    await arena.feed()
    await _arrives(armed, trigger)
    await _died(armed)
    assert "resumed" in await rollcall("topic", "resume", _TOPIC)


async def resuming(arena: Arena, trigger: Trigger) -> None:
    """The command that resumes a topic."""
    await arena.ordinary()
    rollcall = RollcallCommand(arena.environment)
    await rollcall("topic", "pause", _TOPIC)
    await arena.feed()
    await _run_until_killed(arena, trigger, "rollcall", "topic", "resume", _TOPIC)
    assert await rollcall("topic", "list") == "no topic is paused\n"


async def redriving(arena: Arena, *triggers: Trigger) -> None:
    """The command that redrives dead letters, each time; then they are redriven once more."""
    await arena.ordinary()
    every = LetterFilter(state="dead")
    async with arena.dead_letters() as letters:
        for trigger in triggers:
            await arena.feed()
            await eventually(lambda: letters.find(every, 1), message="dead letters")
            await _run_until_killed(arena, trigger, "rollcall", "dlq", "redrive", "--all")
        await letters.redrive(every, "tests")


async def purging(arena: Arena, *triggers: Trigger) -> None:
    """The command that purges, again and again, also what came late; then once to its end."""
    await arena.ordinary()
    command = ("rollcall", "purge", "--older-than", "0s")
    for trigger in triggers:
        await arena.feed_purgeable(late=trigger.failpoint == PurgeFailpoint.LATE_EXCESS_DELETED)
        await _run_until_killed(arena, trigger, *command)
    assert "purged" in await RollcallCommand(arena.environment)(*command[1:])


async def migrating(arena: Arena, *triggers: Trigger) -> None:
    """The command that makes a schema, each time; then it is given again, and once more."""
    environments = [{"ROLLCALL_DATABASE_SCHEMA": f"els_{uuid.uuid4().hex[:8]}"} for _ in triggers]
    command = ("essay-lifecycle-service", "migrate")
    for trigger, environment in zip(triggers, environments, strict=True):
        await _run_until_killed(arena, trigger, *command, **environment)
        await _run(arena, "migrate", **environment)
    assert await _run(arena, "migrate", **environments[-1]) == "the schema is current\n"


async def creating_topics(arena: Arena, trigger: Trigger) -> None:
    """The command that creates topics; then it is given again."""
    environment = {"ROLLCALL_TOPIC_PREFIX": f"t{uuid.uuid4().hex[:12]}."}
    command = ("essay-lifecycle-service", "topics", "--partitions", "1")
    await _run_until_killed(arena, trigger, *command, **environment)
    again = await _run(arena, *command[1:], **environment)
    assert again == "every topic agrees with the registry\n"


async def _die(arena: Arena, triggers: Sequence[Trigger], feed: Feed) -> None:
    """Start a replica for each trigger, all at once, and see each of them die there."""
    armed = {trigger: arena.start("armed", trigger) for trigger in triggers}
    await asyncio.gather(*(_joined(replica, trigger) for trigger, replica in armed.items()))
    await _feed_until_reached(armed, feed)
    await asyncio.gather(*(_died(replica) for replica in armed.values()))


async def _die_alone(arena: Arena, triggers: Sequence[Trigger], feed: Feed) -> None:
    await arena.dismiss_ordinary()
    for trigger in triggers:
        await _die(arena, [trigger], feed)
    await arena.ordinary()


async def _joined(replica: ServiceProcess, trigger: Trigger) -> None:
    """Return once a replica is ready, or is at its failpoint already."""

    async def ready_or_reached() -> bool:
        if was_reached(replica, trigger):
            return True
        with suppress(AssertionError, RuntimeError):  # it may reach it, and end, at any moment
            await replica.wait_ready(deadline_seconds=0)
            return True
        return False

    await eventually(ready_or_reached, message=replica.instance_id)


async def _feed_until_reached(armed: Mapping[Trigger, ServiceProcess], feed: Feed) -> None:
    for _ in range(_ROUNDS):
        if not _missing(armed):
            return
        await feed()
        with suppress(AssertionError):
            await eventually(lambda: not _missing(armed), deadline_seconds=_ROUND_SECONDS)
    missing = _missing(armed)
    logs = "\n".join(f"{trigger}:\n{log_tail(armed[trigger].log_file)}" for trigger in missing)
    assert not missing, f"not reached after {_ROUNDS} rounds of load: {logs}"


def _missing(armed: Mapping[Trigger, ServiceProcess]) -> list[Trigger]:
    return [trigger for trigger, replica in armed.items() if not was_reached(replica, trigger)]


async def _arrives(replica: ServiceProcess, trigger: Trigger) -> None:
    await eventually(lambda: was_reached(replica, trigger), message=str(trigger))


async def _died(replica: ServiceProcess) -> None:
    assert await replica.wait_exit() == -signal.SIGKILL


async def _run_until_killed(
    arena: Arena, trigger: Trigger, *command: str, **overrides: str
) -> None:
    code, output = await _finish(arena, launcher_command([trigger], command), overrides)
    assert code == -signal.SIGKILL, output
    assert trigger.notice in output


async def _run(arena: Arena, *arguments: str, **overrides: str) -> str:
    command = [sys.executable, "-m", "essay_lifecycle_service", *arguments]
    code, output = await _finish(arena, command, overrides)
    assert code == 0, output
    return output


async def _finish(
    arena: Arena, command: list[str], overrides: dict[str, str]
) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=arena.variables(overrides),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), DEADLINE_SECONDS)
    return process.returncode, output.decode()
