"""Invitations in the browser: from the form to the team, by the mail, past the wrong account."""

from typing import Any

import psycopg
import pytest
from playwright.async_api import Page, expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.web.running import PASSWORD, browsing, register, served

pytestmark = pytest.mark.browser


async def test_somebody_is_invited_opens_the_mail_signs_out_and_comes_in(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str
) -> None:
    async with served(settings, database) as address, browsing(chromium, address) as page:
        await register(page)
        await owner.execute("update auth.users set email_confirmed_at = now()")
        await invite(page, "ada@example.org")
        link = await in_the_mail(page)
        await page.goto(link)
        await expect(page.get_by_text("This invitation is for ada@example.org, and lets nobody else in.")).to_be_visible()
        await page.get_by_role("button", name="Sign out and come back here").click()
        await expect(page.get_by_label("Email")).to_have_value("ada@example.org")
        assert await page.evaluate("document.referrer") == f"{address}/"  # the page before told its site, and not its path, which is the key
        await page.get_by_label("Your name").fill("Ada Lovelace")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Join").click()
        await expect(page.locator("#toasts")).to_contain_text("Welcome to")
        await page.goto("/dashboard/team")
        await expect(page.locator("#members")).to_contain_text("Ada Lovelace")
        await expect(page.get_by_role("link", name="Invite somebody")).to_have_count(0)
        await page.goto(link)
        await expect(page.get_by_role("heading", name="You are in already")).to_be_visible()


async def test_an_invitation_is_taken_back_after_a_question(settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str) -> None:
    async with served(settings, database) as address, browsing(chromium, address) as page:
        await register(page)
        await owner.execute("update auth.users set email_confirmed_at = now()")
        await invite(page, "ada@example.org")
        await page.goto("/dashboard/team")
        await page.get_by_role("button", name="Take back: the invitation of ada@example.org").click()
        await expect(page.get_by_role("dialog")).to_contain_text("opens nothing any more, and the seat is free")
        await page.get_by_role("button", name="Take it back").click()
        await expect(page.locator("#invitations")).to_contain_text("Nobody is invited")


async def invite(page: Page, email: str) -> None:
    await page.goto("/dashboard/team")
    await page.get_by_role("link", name="Invite somebody").click()
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Send the invitation").click()
    await expect(page.locator("#invitations")).to_contain_text(email)


async def in_the_mail(page: Page) -> str:
    """The path of the link in the newest mail; the button in the HTML part leads to the same."""
    await page.goto("/simulator/mail")
    await page.locator("a.go").first.click()
    link = await page.locator(".mail-text a[href*='/invitations/']").get_attribute("href")
    assert link == await page.frame_locator(".mail-part").get_by_role("link", name="Accept the invitation").get_attribute("href")
    return "/invitations/" + str(link).rpartition("/")[2]
