"""Everybody can use the page: axe's rules in light and dark, the keyboard alone, a phone, less motion."""

from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_console import ADMIN, TOKEN, unlock
from tests.db.dead_letters import bury
from tests.db.events import contents, registration
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient

PHONE = {"width": 360, "height": 740}

_TOO_WIDE = """[...document.querySelectorAll("main *, header *")]
    .filter((each) => !each.closest("thead"))  // there for those who listen, clipped
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 160))"""


async def violations(page: Page) -> list[str]:
    """What axe finds, with the elements."""
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_a_wide_page_and_on_a_phone(
    service_process: StartService,
    service_environment: dict[str, str],
    open_page: OpenPage,
    kafka: KafkaClient,
    connection: Any,
    batch_id: UUID,
    color_scheme: str,
) -> None:
    topic = f"{service_environment['ROLLCALL_TOPIC_PREFIX']}file.essay.content.provisioned.v1"
    group = service_environment["ROLLCALL_CONSUMER_GROUP"]
    await bury(connection, 7, topic=topic, group=group, message="x" * 400)
    await kafka.send(registration(batch_id, 40), *contents(batch_id, 12))
    replica, lost = service_process("first", **ADMIN), service_process("second")
    await replica.wait_ready()
    await lost.wait_ready()
    lost.kill()
    page = await open_page(replica.url, color_scheme=color_scheme)
    await expect(page.locator("#fill-rows")).to_contain_text("12 of 40")
    await expect(page.locator("#instance-rows")).to_contain_text("lost")
    await unlock(page, TOKEN)
    await expect(page.locator("#letters tr")).to_have_count(1)
    assert await violations(page) == []
    await page.get_by_role("button", name="Redrive all").click()
    await expect(page.locator("#order-count")).to_contain_text("would be sent")
    assert await violations(page) == []
    await page.keyboard.press("Escape")

    await page.set_viewport_size(PHONE)

    assert await violations(page) == []
    assert await page.evaluate(_TOO_WIDE) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_the_keyboard_alone_redrives(
    service_process: StartService,
    service_environment: dict[str, str],
    open_page: OpenPage,
    connection: Any,
) -> None:
    topic = f"{service_environment['ROLLCALL_TOPIC_PREFIX']}file.essay.content.provisioned.v1"
    group = service_environment["ROLLCALL_CONSUMER_GROUP"]
    await bury(connection, 7, topic=topic, group=group)
    replica = service_process(**ADMIN)
    await replica.wait_ready()
    page = await open_page(replica.url)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the instances")).to_be_focused()
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    for _ in range(10):
        if await page.evaluate("document.activeElement.id") == "token":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.type(TOKEN)
    await page.keyboard.press("Tab")
    await page.keyboard.type("ann")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Redrive all")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#order-count")).to_contain_text("1 dead letter would be sent")
    await expect(page.locator("#order-reason")).to_be_focused()
    await page.keyboard.type("known")
    await page.keyboard.press("Enter")
    await expect(page.locator("#admin-message")).to_contain_text("sent through their topics")


async def test_whoever_asks_for_less_motion_gets_none(
    service_process: StartService, open_page: OpenPage
) -> None:
    replica = service_process()
    await replica.wait_ready()
    page = await open_page(replica.url, reduced_motion="reduce")
    cell = page.locator(".cell").first
    await cell.evaluate("cell => cell.classList.add('moved')")
    assert await cell.evaluate("cell => getComputedStyle(cell).animationName") == "none"
