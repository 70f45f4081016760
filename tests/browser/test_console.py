"""The console in a real Chromium, on real replicas: what happens is seen as it happens."""

import asyncio
import re
from re import Pattern
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Locator, Page, expect

from rollcall_events import EssayContentProvisionedV1
from tests.browser.conftest import OpenPage
from tests.db.dead_letters import bury
from tests.db.events import content, contents, registration
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient
from tests.services.test_dlq import STRICT, padded

TOKEN = "a-token-for-the-tests"
# A browser beside the servers: replicas are given longer than in other tests before they count as lost, so
# that on a machine that is short of CPU nobody does but the one that is killed.
CALM = {
    "ROLLCALL_SESSION_TIMEOUT_SECONDS": "15",
    "ROLLCALL_LANE_SESSION_TIMEOUT_SECONDS": "15",
}
ADMIN = {"ROLLCALL_ADMIN_TOKENS": TOKEN}


def instance(page: Page, name: str) -> Locator:
    """The row of an instance."""
    return page.locator("#instance-rows tr", has_text=name)


def happened(page: Page, kind: str, text: str | Pattern[str] = "") -> Locator:
    """Entries of the timeline, those with this text if one is given.

    Ask for the text: on a busy machine, more happens than a test brings about.
    """
    entries = page.locator(f'#timeline li[data-kind="{kind}"]')
    return entries.filter(has_text=text) if text else entries


async def looks(page: Page, count: int) -> None:
    """Wait for so many more; changes of owners are told between owners that were steady for two."""
    shown = page.locator("#connection-text")
    for _ in range(count):
        await expect(shown).not_to_have_text(await shown.inner_text())


async def unlock(page: Page, token: str) -> None:
    """Type the token in."""
    await page.get_by_label("Admin token").fill(token)
    await page.get_by_label("Your name, for the audit").fill("ann")
    await page.get_by_role("button", name="Unlock").click()


async def test_a_scale_and_a_kill_are_seen_live(
    service_process: StartService, open_page: OpenPage
) -> None:
    first, second = service_process("first", **CALM), service_process("second", **CALM)
    await asyncio.gather(first.wait_ready(), second.wait_ready())
    page = await open_page(first.url)
    await expect(page.locator("#totals")).to_contain_text("2 of 2")
    owners = page.locator("#topic-rows .owners > span").first
    await expect(owners).to_contain_text("B")
    await looks(page, 3)

    service_process("third", **CALM)

    await expect(instance(page, "third")).to_contain_text("ready")
    await expect(page.locator("#totals")).to_contain_text("3 of 3")
    await expect(owners).to_contain_text("C")
    await expect(happened(page, "rebalance", "third 0 to")).not_to_have_count(0)

    second.kill()

    await expect(instance(page, "second")).to_contain_text("lost")
    await expect(page.locator("#totals")).to_contain_text("2 of 2")
    await expect(happened(page, "lost", "second is lost")).not_to_have_count(0)
    left = re.compile(r"second \d+ to 0")
    await expect(happened(page, "rebalance", left)).not_to_have_count(0)
    await expect(page.get_by_role("status").first).not_to_be_empty()
    await expect(page).to_have_title("2 of 2 instances ready · Rollcall")


async def test_batches_fill_live_and_end(
    service_process: StartService, open_page: OpenPage, kafka: KafkaClient, batch_id: UUID
) -> None:
    replica = service_process()
    await replica.wait_ready()
    page = await open_page(replica.url)
    await kafka.send(registration(batch_id, 20))
    row = page.locator("#fill-rows tr", has_text=str(batch_id)[:8])
    await expect(row).to_contain_text("0 of 20")
    await kafka.send(*contents(batch_id, 12))
    await expect(row).to_contain_text("12 of 20")
    await expect(row.locator("rect.filled")).to_have_attribute("width", "12")
    await kafka.send(*contents(batch_id, 8, first=12))
    await expect(row).to_contain_text("20 of 20")
    await expect(row).to_contain_text("completed")


async def test_a_dead_letter_is_redriven_with_the_token_after_a_count_and_a_reason(
    service_process: StartService, open_page: OpenPage, kafka: KafkaClient, batch_id: UUID
) -> None:
    await kafka.send(registration(batch_id, 1))
    value = padded(batch_id, "text")
    await kafka.send_raw(EssayContentProvisionedV1, value, partition=0)
    strict = service_process("strict", **STRICT, **ADMIN)
    await strict.wait_ready()
    page = await open_page(strict.url)
    counts = page.locator("#letter-rows tr", has_text="dead")
    await expect(counts).to_contain_text("1")
    strict.terminate()
    await strict.wait_exit()
    fixed = service_process("fixed", **ADMIN)
    await fixed.wait_ready()

    page = await open_page(fixed.url)
    await unlock(page, "not the right token")
    message = page.locator("#admin-message")
    await expect(message).to_contain_text("administration needs a valid token")
    await expect(page.locator("#admin-area")).to_be_hidden()

    await unlock(page, TOKEN)
    await expect(message).to_contain_text("Unlocked for ann")
    await page.locator("#letters input").check()
    await page.get_by_role("button", name="Redrive 1 chosen").click()
    go = page.get_by_role("button", name="Redrive 1", exact=True)
    await expect(page.locator("#order-count")).to_contain_text("1 dead letter would be sent")
    await expect(go).to_be_disabled()
    await page.get_by_label("Reason, for the audit").fill("fixed upstream")
    await go.click()

    await expect(message).to_contain_text("1 dead letter sent through their topics again")
    await expect(page.locator("#letters tr")).to_have_count(0)
    await expect(page.locator("#letter-rows tr", has_text="redriven")).to_contain_text("1")
    redriven = "1 dead letter redriven: fixed upstream"
    await expect(happened(page, "redriven").locator("p")).to_have_text(redriven)
    await expect(page.locator("#fill-rows tr")).to_contain_text("completed")

    kept = await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert kept == [0, 0, ""]
    assert TOKEN not in page.url
    assert TOKEN not in await page.content()
    await page.get_by_role("button", name="Forget the token").click()
    await expect(page.locator("#letters tr")).to_have_count(0)
    await expect(page.get_by_label("Admin token")).to_be_focused()


async def test_a_topic_is_paused_and_resumed(
    service_process: StartService, open_page: OpenPage
) -> None:
    replica = service_process(**ADMIN)
    await replica.wait_ready()
    page = await open_page(replica.url)
    await unlock(page, TOKEN)
    for action, state in (("Pause", "paused"), ("Resume", "consumed")):
        await page.get_by_role("button", name=f"{action} ").first.click()
        await page.get_by_label("Reason, for the audit").fill("a reason")
        await page.locator("#order-go").click()
        await expect(page.locator("#topic-rows tr").first).to_contain_text(state)
    await expect(happened(page, "resumed")).to_contain_text("a reason")


async def test_whatever_texts_hold_is_shown_as_text(
    service_process: StartService,
    service_environment: dict[str, str],
    open_page: OpenPage,
    kafka: KafkaClient,
    connection: Any,
    batch_id: UUID,
    markup: str,
) -> None:
    await kafka.send(registration(batch_id, 2, course_code=markup), content(batch_id, "a"))
    await bury(
        connection,
        7,
        topic=f"{service_environment['ROLLCALL_TOPIC_PREFIX']}file.essay.content.provisioned.v1",
        group=service_environment["ROLLCALL_CONSUMER_GROUP"],
        error_type=markup,
        message=markup,
    )
    replica = service_process(**ADMIN)
    await replica.wait_ready()
    page = await open_page(replica.url)
    await expect(page.locator("#fill-rows")).to_contain_text(markup)
    await expect(page.locator("#letter-rows")).to_contain_text(markup)
    await unlock(page, TOKEN)
    await expect(page.locator("#letters .under")).to_have_text(markup)
    await page.get_by_role("button", name="Redrive all").click()
    await expect(page.locator("#order-count")).to_contain_text(markup)
    assert await page.locator("img, main b").count() == 0
    assert str(batch_id) not in await page.title()


async def test_a_page_that_lost_its_replica_says_so_and_comes_back(
    service_process: StartService, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = service_process("first")
    await replica.wait_ready()
    page = await open_page(replica.url)
    replica.kill()
    await expect(page.get_by_role("alert").first).to_contain_text("The connection is lost")
    await expect(page.locator("#connection")).to_have_text("Not live")
    port = int(replica.url.rpartition(":")[2])
    monkeypatch.setattr("tests.service_process.free_port", lambda: port)
    service_process("again")
    await expect(page.locator("#connection")).to_contain_text("Live")
    await expect(instance(page, "again")).to_contain_text("ready")
