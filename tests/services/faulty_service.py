"""The essay lifecycle service with a way to break it from outside: `POST /faults/<name>`.

Run as `python -m tests.services.faulty_service run`. Each fault happens where it would in earnest: in
the process, in the real part.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import Any

from dishka.integrations.fastapi import setup_dishka
from fastapi import APIRouter, HTTPException

from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.settings import EssayLifecycleSettings
from essay_lifecycle_service.wiring import create_container
from rollcall import Service
from rollcall.command import service_command
from rollcall.http import HttpServer
from rollcall_events.topics import TOPICS

MODULE = "tests.services.faulty_service"


class PlantedError(Exception):
    """What a planted part fails with."""


def _fail(*_: object, **__: object) -> Any:
    raise PlantedError("planted")


def _sleep_in_the_loop(seconds: float) -> None:
    time.sleep(seconds)


def _loop_stalls(service: Service, seconds: float) -> None:
    asyncio.get_running_loop().call_later(0.05, _sleep_in_the_loop, seconds)


def _fetch_task_dies(service: Service, seconds: float) -> None:
    _client(service)._fetcher._get_actions_per_node = _fail


def _coordination_dies(service: Service, seconds: float) -> None:
    """In a step that is its alone: the report of positions would fail of another."""
    coordinator = _client(service)._coordinator
    coordinator.ensure_active_group = _fail
    coordinator.request_rejoin()


def _fetcher_falls_silent(service: Service, seconds: float) -> None:
    """It lives, and asks for nothing."""
    _client(service)._fetcher._get_actions_per_node = lambda _: ([], {}, 0.1, False, [])


def _heartbeats_stop(service: Service, seconds: float) -> None:
    async def silence() -> bool:
        return True

    _client(service)._coordinator._do_heartbeat = silence


def _report_fails(service: Service, seconds: float) -> None:
    service._instance._consumer.report._measure_lag = _fail


def _http_ends(service: Service, seconds: float) -> None:
    (server,) = (each for each in gc.get_objects() if isinstance(each, HttpServer))
    server.stop()


def _job_fails(service: Service, seconds: float) -> None:
    service._instance._processor.run_job = _fail


def _lane_fails(service: Service, seconds: float) -> None:
    for lane in service._instance._relay._lanes.values():
        lane._publisher._next = _fail


def _report_returns(service: Service, seconds: float) -> None:
    """A part that a bug in a library cancels."""
    (task,) = (t for t in asyncio.all_tasks() if t.get_name() == "consumer.report")
    task.cancel()


def _end_hangs(service: Service, seconds: float) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    service.database.close = hang
    _report_fails(service, seconds)


FAULTS: dict[str, Callable[[Service, float], None]] = {
    function.__name__.strip("_"): function
    for function in (
        _loop_stalls,
        _fetch_task_dies,
        _coordination_dies,
        _fetcher_falls_silent,
        _heartbeats_stop,
        _report_fails,
        _job_fails,
        _http_ends,
        _lane_fails,
        _report_returns,
        _end_hangs,
    )
}


def _client(service: Service) -> Any:
    return service._instance._consumer._kafka


def _fault_routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.post("/faults/{name}")
    async def plant(name: str, seconds: float = 0.0) -> None:
        if name not in FAULTS:
            raise HTTPException(404, f"there are {', '.join(FAULTS)}")
        FAULTS[name](service, seconds)

    return router


async def serve() -> int:
    """Run one replica that can be broken."""
    container = create_container()
    try:
        service = await container.get(Service)
        service.configure_app(lambda app: setup_dishka(container, app))
        service.add_routes(_fault_routes(service))
        return await service.serve()
    finally:
        await container.close()


if __name__ == "__main__":
    sys.exit(service_command("faulty", EssayLifecycleSettings, TOPICS, migrations_folders(), serve))
