"""The newest lines of the logs of a local cluster, over HTTP on this machine alone."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from rollcall_cluster.embedded.errors import log_tail
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.logs import log_files

_LINES = 200


class LogLines(BaseModel):
    """The end of one log, oldest line first."""

    name: str
    lines: list[str]


def log_routes(home: Home) -> APIRouter:
    """`/console/logs/NAME` for every replica and embedded server."""
    router = APIRouter(prefix="/console", include_in_schema=False)

    @router.get("/logs/{name}")
    def lines(name: str) -> LogLines:
        """The newest lines of a log."""
        if (file := log_files(home).get(name)) is None:
            raise HTTPException(404, f"there is no log of {name!r}")
        return LogLines(name=name, lines=log_tail(file, _LINES).splitlines())

    return router
