"""A real Chromium for each test, and pages that may not break their own rules."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.chromium import chromium
from tests.eventually import DEADLINE_SECONDS

# The tier's other fixtures are those of real replicas.
from tests.services.conftest import (  # noqa: F401
    batch_id,
    connection,
    evidence,
    kafka,
)

OpenPage = Callable[..., Awaitable[Page]]
DESKTOP = {"width": 1360, "height": 900}


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    expect.set_options(timeout=DEADLINE_SECONDS * 1000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"], timeout=DEADLINE_SECONDS * 1000
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """`await open_page(url, color_scheme="dark")`: the console, once it shows an instance.

    At the end of the test, no page may have raised an error or broken its own policy.
    """
    wrong: list[str] = []

    def listen(page: Page) -> None:
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if _is_refusal(said.text) else None)

    async def open_one(url: str, **options: Any) -> Page:
        context = await browser.new_context(**{"viewport": DESKTOP, **options})
        page = await context.new_page()
        page.set_default_timeout(DEADLINE_SECONDS * 1000)
        listen(page)
        await page.goto(f"{url}/console")
        await page.locator("#instance-rows tr").first.wait_for()
        return page

    yield open_one
    assert wrong == []


@pytest.fixture
def markup(batch_id: UUID) -> str:  # noqa: F811 - the fixture
    """A text that would do something if it were taken for markup."""
    return f"<img src=x onerror=\"document.title='{batch_id}'\"><b>bold</b>"


def _is_refusal(text: str) -> bool:
    return "Content Security Policy" in text or "TrustedHTML" in text
