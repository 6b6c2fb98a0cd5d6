"""Second factors in a real browser: set up, used and shown, usable by everybody and with nothing the content policy refuses."""

from typing import Any

import psycopg
import pytest
from playwright.async_api import Page, expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.users.factors import as_if_later, code, recovery_codes, shown_secret
from tests.web.running import PASSWORD, browsing, forget, register, served
from tests.web.test_everybody import FORMS, look_here

pytestmark = pytest.mark.browser


async def sign_in(page: Page) -> None:
    await page.goto("/login")
    await page.get_by_label("Email").fill("maya@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def enrol(page: Page) -> tuple[str, list[str], list[dict[str, Any]]]:
    """Set the authenticator up from the account page on; its secret, the recovery codes, and what is wrong with the pages."""
    await page.goto("/account")
    await page.get_by_role("link", name="Set up the authenticator app").click()
    await page.get_by_role("button", name="Show the QR code").click()
    await expect(page.get_by_alt_text("QR code")).to_be_visible()
    secret, problems = shown_secret(await page.content()), [await look_here(page)]
    await page.get_by_label("Code", exact=True).fill(code(secret))
    await page.get_by_role("button", name="Turn it on").click()
    await expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    return secret, recovery_codes(await page.content()), [*problems, await look_here(page)]


async def plug_in(page: Page, **how: Any) -> None:
    """Give the browser a device that keeps passkeys and sees its user."""
    tools = await page.context.new_cdp_session(page)
    await tools.send("WebAuthn.enable")
    made = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True} | how
    await tools.send("WebAuthn.addVirtualAuthenticator", {"options": made})


@pytest.mark.parametrize(("screen", "colours"), FORMS.values(), ids=FORMS)
async def test_an_authenticator_is_set_up_and_used(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str, screen: Any, colours: Any
) -> None:
    async with served(settings, database) as address, browsing(chromium, address, viewport=screen, color_scheme=colours) as page:
        await register(page)
        secret, codes, problems = await enrol(page)
        await page.get_by_role("link", name="I have kept them").click()
        for path in ("/account", "/account/authenticator", "/account/recovery-codes"):
            await page.goto(path)
            problems.append(await look_here(page))
        await forget(page)
        await sign_in(page)
        await expect(page.get_by_label("Code of your authenticator app")).to_be_focused()
        problems.append(await look_here(page))
        await page.get_by_label("Code of your authenticator app").fill("12 34 56")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("This code is not right")).to_be_visible()
        problems.append(await look_here(page))
        await page.get_by_text("Use a recovery code").click()
        await page.get_by_label("Recovery code").fill(codes[0].upper())
        await page.get_by_role("button", name="Sign in with it").click()
        await expect(page.locator("#toasts")).to_contain_text("9 recovery codes are left.")
        await as_if_later(owner)
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
        await page.goto("/account/recovery-codes")
        await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
        problems.append(await look_here(page))
        await page.get_by_label("Code of your authenticator app").fill(code(secret))
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(address + "/account/recovery-codes")
    assert [one for one in problems if one] == []


@pytest.mark.parametrize(("screen", "colours"), FORMS.values(), ids=FORMS)
async def test_a_passkey_is_made_and_opens_the_account(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str, screen: Any, colours: Any
) -> None:
    async with served(settings, database) as address, browsing(chromium, address, viewport=screen, color_scheme=colours) as page:
        await plug_in(page, automaticPresenceSimulation=True)
        await register(page)
        await page.goto("/account/passkeys")
        problems = [await look_here(page)]
        await expect(page.get_by_text("Passkeys do not work here")).to_be_hidden()
        await page.get_by_label("Name", exact=True).fill("Maya’s phone")
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        await page.goto("/account/passkeys")
        await expect(page.locator(".rows")).to_contain_text("Maya’s phone")
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(page.get_by_text("This device has a passkey for your account already.")).to_be_visible()
        problems += [await look_here(page)]

        await forget(page)
        await page.goto("/login?next=/dashboard/contacts")
        problems += [await look_here(page)]
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page).to_have_url(address + "/dashboard/contacts")
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
        await page.goto("/account/passkeys")
        problems += [await look_here(page)]
        await page.get_by_role("button", name="Confirm with a passkey").click()
        await expect(page).to_have_url(address + "/account/passkeys")

        await forget(page)
        await sign_in(page)
        await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
        problems += [await look_here(page)]
        await page.get_by_role("button", name="Use a passkey").click()
        await expect(page).to_have_url(address + "/dashboard")

        await page.goto("/account/passkeys")
        await page.get_by_role("button", name="Rename Maya’s phone").click()
        await page.locator("dialog[open]").get_by_label("Name").fill("Old phone")
        await page.locator("dialog[open]").get_by_role("button", name="Save").click()
        await page.get_by_role("button", name="Remove Old phone").click()
        await page.locator("dialog[open]").get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("None yet.")).to_be_visible()
        await page.goto("/login")
    assert [one for one in problems if one] == []


async def test_a_device_that_sees_nobody_is_refused_in_words(settings: Settings, database: Database, chromium: str) -> None:
    async with served(settings, database) as address, browsing(chromium, address) as page:
        await plug_in(page, automaticPresenceSimulation=True, isUserVerified=False)
        await register(page)
        await page.goto("/account/passkeys")
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(page.get_by_text("Nothing was confirmed. Try again, or use another way.")).to_be_visible()
        await expect(page.get_by_text("None yet.")).to_be_visible()


async def test_where_passkeys_cannot_work_it_says_so(settings: Settings, database: Database, chromium: str) -> None:
    async with served(settings, database) as address, browsing(chromium, address.replace("localhost", "127.0.0.1")) as page:
        await page.goto("/login")
        await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
        await register(page)
        await page.goto("/account/passkeys")
        await expect(page.get_by_text("Passkeys do not work here")).to_be_visible()
        await expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
