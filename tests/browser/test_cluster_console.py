"""`rollcall console` on a local cluster: processes, logs, a kill and a scale; the pictures of the docs."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from rollcall_cluster.generator import PROFILES, Plan, generate
from rollcall_cluster.local.home import Home
from tests.browser.conftest import OpenPage
from tests.browser.test_console import happened, instance, unlock
from tests.eventually import DEADLINE_SECONDS

PICTURES_VARIABLE = "ROLLCALL_TESTS_PICTURES"
"""Where the pictures go that a test takes; a folder of its own if it is not set."""
_PROGRAM = [sys.executable, "-c", "from rollcall_cluster.cli import main; main()"]
_LARGEST_PICTURE_BYTES = 150_000
PICTURE = {"width": 1120, "height": 760}


class Cluster:
    """The `rollcall` command with a home of its own."""

    def __init__(self, home: Path) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ROLLCALL_")}
        self.environment = {**inherited, "ROLLCALL_HOME": str(home), "COLUMNS": "200"}
        self.home = Home(home)

    def run(self, *arguments: str) -> str:
        """Run a command to its end; its output."""
        done = subprocess.run(
            [*_PROGRAM, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def do(self, *arguments: str) -> str:
        """The same beside the event loop, which the browser needs."""
        return await asyncio.to_thread(self.run, *arguments)

    @contextmanager
    def console(self) -> Iterator[tuple[str, str]]:
        """Run `rollcall console`: its address, without the path, and its token; it ends cleanly."""
        process = subprocess.Popen(
            [*_PROGRAM, "console", "--port", "0"],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            said = "".join(iter(process.stdout.readline, "Ctrl-C ends it\n"))
            address = re.search(r"console +(http://\S+)/console", said)
            token = re.search(r"admin token (\S+)", said)
            assert address, said
            assert token, said
            yield address[1], token[1]
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_SECONDS) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Two replicas on servers of their own, with the names that people have."""
    cluster = Cluster(tmp_path / "home")
    try:
        assert "rollcall console" in cluster.run("up", "--instances", "2")
        yield cluster
    finally:
        cluster.run("down", "--wipe")


@pytest.fixture
def console(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """`rollcall console`: its address and its token."""
    with cluster.console() as both:
        yield both


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures go."""
    folder = Path(os.environ.get(PICTURES_VARIABLE, tmp_path / "pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_processes_come_and_go_before_the_eyes(
    cluster: Cluster, console: tuple[str, str], open_page: OpenPage
) -> None:
    url, token = console
    page = await open_page(url)
    await expect(page.locator("#totals")).to_contain_text("2 of 2")
    await expect(page.locator("#program-rows tr", has_text="els-2")).to_contain_text("running")

    await cluster.do("scale", "3")
    await expect(page.locator("#totals")).to_contain_text("3 of 3")

    await cluster.do("kill", "els-2")
    await expect(instance(page, "els-2")).to_contain_text("its process is gone")
    await expect(page.locator("#program-rows tr", has_text="els-2")).to_contain_text("dead")
    await expect(happened(page, "lost", "els-2")).not_to_have_count(0)

    await page.get_by_text("Logs", exact=True).click()
    await page.get_by_label("Of", exact=True).select_option("els-1")
    await expect(page.locator("#log-lines")).to_contain_text("service_ready")
    await unlock(page, token)
    await expect(page.locator("#admin-message")).to_contain_text("Unlocked for ann")


async def test_the_pictures_of_the_documentation(
    cluster: Cluster,
    console: tuple[str, str],
    open_page: OpenPage,
    pictures: Path,
) -> None:
    """Three replicas under load, one killed and brought back: in light, dark, and on a phone."""
    url, _ = console
    await cluster.do("scale", "3")
    light = await open_page(url, color_scheme="light", viewport=PICTURE)
    dark = await open_page(url, color_scheme="dark", viewport=PICTURE)
    phone = await open_page(url, viewport={"width": 360, "height": 780})
    async with load(cluster.home.environment):
        await expect(light.locator("#fill-rows")).to_contain_text("completed")
        await cluster.do("kill", "els-2")
        left, came = re.compile(r"els-2\S* \d+ to 0"), re.compile(r"els-2\S* 0 to ")
        await expect(happened(light, "rebalance", left)).not_to_have_count(0)
        await cluster.do("scale", "3")
        await expect(light.locator("#totals")).to_contain_text("3 of 3")
        await expect(light.locator("#letter-rows")).to_contain_text("dead")
        await expect(happened(light, "rebalance", came)).not_to_have_count(0)
        for name, page in (("light", light), ("dark", dark), ("phone", phone)):
            await take(page, pictures / f"{name}.png")


@asynccontextmanager
async def load(variables: dict[str, str]) -> AsyncIterator[None]:
    """A realistic upstream that does not end before the block does."""
    plan = Plan(**{**PROFILES["mixed"], "seed": 1, "batches": 400, "slots": 48}, rate=220.0)
    stop = asyncio.Event()
    servers, prefix = (
        variables[f"ROLLCALL_{name}"] for name in ("KAFKA_BOOTSTRAP_SERVERS", "TOPIC_PREFIX")
    )
    producing = asyncio.create_task(generate(plan, servers, topic_prefix=prefix, stop=stop))
    yield
    assert not producing.done(), "the load ended too early"
    stop.set()
    await producing


async def take(page: Page, file: Path) -> None:
    """Take a picture of what is seen without scrolling."""
    picture = await page.screenshot(path=file)
    assert 10_000 < len(picture) < _LARGEST_PICTURE_BYTES
