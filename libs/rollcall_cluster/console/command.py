"""`rollcall console`: watch a deployment in the browser."""

import asyncio
import logging
import secrets
import webbrowser
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall_cluster.embedded.ports import free_port, is_free
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home

DEFAULT_PORT = 8790


def console_command(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port on this machine; 0 takes any.")
    ] = DEFAULT_PORT,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Serve a page that shows instances, partitions, batches, relay and dead letters live.

    Shows the local cluster with its processes and logs, or the deployment that the
    ROLLCALL_* variables name. It changes nothing by itself; redriving dead letters and
    pausing topics need an admin token: one of ROLLCALL_ADMIN_TOKENS, else one that is
    made for this command and printed. Ctrl-C ends it.

    Examples:

      rollcall console

      rollcall console --open

      rollcall console --port 0
    """
    if port and not is_free(port):
        raise ClusterError(
            f"port {port} of this machine is taken", "`rollcall console --port 0` takes a free one"
        )
    settings, made_token = _settings(port or free_port())
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    from rollcall_cluster.console.server import ConsoleServer

    server = ConsoleServer(settings, _local_home(settings))

    def listening(url: str) -> None:
        console = Console()
        console.print(f"console     {url}", highlight=False, soft_wrap=True)
        if made_token:
            console.print(f"admin token {made_token}", highlight=False, soft_wrap=True)
        console.print("Ctrl-C ends it")
        if open_browser:
            webbrowser.open(url)

    asyncio.run(server.run(listening))


def _settings(port: int) -> tuple[EssayLifecycleSettings, str | None]:
    """What the environment says, with two connections, and a token if it names none."""
    own: dict[str, Any] = {
        "instance_id": "rollcall console",
        "http_host": "127.0.0.1",
        "http_port": port,
        "chunk_streams": 1,
        "database_pool_size": 2,
    }
    given = EssayLifecycleSettings(**own)
    if given.valid_admin_tokens:
        return given, None
    token = secrets.token_urlsafe(18)
    return EssayLifecycleSettings(**own, admin_tokens=token), token


def _local_home(settings: EssayLifecycleSettings) -> Home | None:
    """The local cluster, if it is what the settings name."""
    home = Home.current()
    if not home.has_cluster:
        return None
    local = home.environment["ROLLCALL_POSTGRES_DSN"]
    return home if settings.postgres_dsn.get_secret_value() == local else None
