"""The audit log in a real browser: proven by one button, unfolded, filtered by keyboard, and of use without scripts."""

import psycopg
import pytest
from playwright.async_api import expect

from frontdesk.audit import actions
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.web.running import browsing, register, served

pytestmark = pytest.mark.browser
LOG = "/dashboard/audit"


async def test_a_long_chain_is_walked_by_itself_and_a_break_is_shown(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[object], chromium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "PIECE", 1)
    async with served(settings, database) as address, browsing(chromium, address) as page:
        await register(page)
        await page.goto(LOG)
        await page.get_by_role("button", name="Verify").click()
        await expect(page.locator("#proof")).to_contain_text("Verified: 3 entries, none changed, none missing")
        await owner.execute("alter table public.audit_logs disable trigger all")
        await owner.execute("update public.audit_logs set actor_name = 'Eve' where seq = 2")
        await page.get_by_role("button", name="Verify again").click()
        await page.get_by_role("link", name="Entry 2").click()
        await expect(page.locator(".feed > li").first).to_contain_text("Eve registered")


async def test_an_entry_unfolds_and_leads_to_everything_about_its_thing(settings: Settings, database: Database, chromium: str) -> None:
    async with served(settings, database) as address, browsing(chromium, address) as page:
        await register(page)
        await page.goto(LOG)
        await page.locator(".feed summary").last.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Everything about it").last.click()
        await expect(page.locator(".feed > li")).to_have_count(1)
        await page.get_by_role("link", name="Show everything").click()
        await page.get_by_label("What").select_option(label="Sign-in and accounts")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.locator(".feed > li")).to_contain_text(["registered"])
        assert "action=sign_in" in page.url


async def test_the_log_is_proven_without_scripts(settings: Settings, database: Database, chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PIECE", 2)
    async with served(settings, database) as address, browsing(chromium, address, java_script_enabled=False) as page:
        await register(page)
        await page.goto(LOG)
        await page.get_by_role("button", name="Verify").click()
        await expect(page.locator("#proof")).to_contain_text("2 of 3 entries, and nothing is wrong so far")
        await page.get_by_role("button", name="Go on").click()
        await expect(page.locator("#proof")).to_contain_text("Verified: 3 entries")


async def test_the_log_is_downloaded_as_often_as_one_likes(settings: Settings, database: Database, chromium: str) -> None:
    async with served(settings, database) as address, browsing(chromium, address) as page:
        await register(page)
        await page.goto(f"{LOG}?action=sign_in")
        for form, head in (("CSV", b"\xef\xbb\xbfentry,time,what"), ("JSON Lines", b'{"entry":2,'), ("CSV", b"\xef\xbb\xbfentry,time,what")):
            async with page.expect_download() as coming:
                await page.get_by_role("button", name=f"Download as {form}").click()
            file = await (await coming.value).path()
            assert file.read_bytes().startswith(head)
        await page.goto(LOG)
        await expect(page.locator(".feed > li").first).to_contain_text("exported the audit log as CSV")
