"""Every page, light and dark, wide and on a phone: usable by everybody, and nothing beyond the edge."""

from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.async_api import Page, expect

from frontdesk import app as application
from frontdesk.database import Database
from frontdesk.settings import Settings
from frontdesk.web import needs_of
from tests.web.running import browsing, register, served

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOUND = """async rules =>
    (await axe.run({ runOnly: rules })).violations.map(found => `${found.id}: ${found.nodes[0].html.slice(0, 160)}`)"""
BEYOND = """() => [...document.querySelectorAll("body *")].filter(element => {
    const box = element.getBoundingClientRect()
    const cuts = up => getComputedStyle(up).overflowX !== "visible"
    const cut = up => up && up !== document.body && (cuts(up) || cut(up.parentElement))
    const beside = element.closest("svg, dialog, [popover], .visually-hidden")
    return box.width > 1 && box.right > innerWidth + 1 && !beside && !cut(element.parentElement)
}).map(element => element.outerHTML.slice(0, 120))"""
EMPTY = [
    "/dashboard", "/dashboard/inbox", "/dashboard/contacts", "/dashboard/auto-replies", "/dashboard/channels", "/dashboard/api-keys",
    "/dashboard/team/invitations", "/dashboard/usage", "/simulator/mail",
]  # fmt: skip
FULL = [
    *EMPTY,
    "/dashboard?days=30",
    "/dashboard/inbox?show=closed",
    "/dashboard/inbox?q=nothing+like+it",
    "/dashboard/contacts?q=zzz",
    "/dashboard/auto-replies/new",
    "/dashboard/channels/new",
    "/dashboard/team",
    "/dashboard/team?q=nobody+like+it",
    "/dashboard/team/invitations",
    "/dashboard/billing",
    "/dashboard/usage",
    "/dashboard/usage?days=90",
    "/dashboard/api-keys?show=ended",
    "/dashboard/api-keys/new",
    "/api/v1/reference",
    "/dashboard/audit",
    "/dashboard/settings",
    "/dashboard/settings/archive",
    "/dashboard/settings/deletion",
    "/dashboard/audit?q=nobody",
    "/account",
    "/account/authenticator",
    "/account/email",
    "/account/passkeys",
    "/account/password",
    "/account/recovery-codes",
    "/simulator",
    "/simulator/mail",
    "/simulator/stripe",
    "/nowhere",
]
# shown to whoever proved himself long ago
STALE = ["/account/reauthentication?next=/account/password"]
OPENED = {
    "/dashboard/inbox": "#conversations a",
    "/dashboard/contacts": "#people a.go",
    "/dashboard/auto-replies": ".rule-row a",
    "/dashboard/channels": ".card a",
    "/dashboard/team": "#members tr:last-child a.go",
    "/dashboard/team/members": "a[href$='/ownership']",
    "/simulator/mail": "a.go",
    "/invitations": ".mail-text a[href*='/invitations/']",
}
OUTSIDE = [
    "/login", "/register", "/forgotten-password",
    # links that lead nowhere; what those that do lead to is looked at in tests/email_proofs/test_browser.py
    "/forgotten-password/new", "/email/verification", "/email/change", "/email/undo",
]  # fmt: skip
# What answers a browser's GET and is no page of its own, and why.
PIECES = {
    "/": "leads elsewhere",
    "/dashboard/settings/archive/progress": "a piece of the page of archives",
    "/dashboard/live": "a stream of events",
    "/dashboard/inbox/list": "a piece of the inbox",
    "/dashboard/inbox/unread": "a piece of the frame",
    "/dashboard/inbox/{conversation_id}/head": "a piece of a conversation",
    "/dashboard/inbox/{conversation_id}/messages": "a piece of a conversation",
    "/dashboard/billing/checkout": "leads back from the payment page",
    "/dashboard/billing/credit": "as above; the cards of credit and the page where it is paid are looked at by tests/billing/test_browser.py",
    "/dashboard/billing/change": "looked at by tests/browser/test_buying.py, by somebody who has bought something",
    "/dashboard/billing/cancellation": "as above",
    "/healthz": "for programs",
    "/login/second-factor": "looked at by tests/users/test_browser.py, between two steps",
    "/simulator/mail/{mail_id}/html": "a piece of a mail",
}
# the user belongs to a second organization, so that there is something to switch; and the newest contact has the longest name there is
CROWDED = """
    with another as (insert into public.organizations (id, slug, name) values (gen_random_uuid(), 'moretti', 'مقهى النيل') returning id)
    insert into public.organization_members (organization_id, user_id, role) select a.id, u.id, 'viewer' from another a, auth.users u
"""
# and somebody with a name as long, who works in the first organization too
COLLEAGUE = """
    with somebody as (
      insert into auth.users (id, email, raw_user_meta_data)
      values (gen_random_uuid(), repeat('e', 60) || '@example.com', jsonb_build_object('name', repeat('N', 400), 'joins_by_invitation', 'true')) returning id)
    insert into public.organization_members (organization_id, user_id, role)
    select o.id, s.id, 'viewer' from public.organizations o, somebody s where o.slug = 'lagos-glow-salon'
"""
# keys of every state, with a name as long as they come
KEYS = """
    insert into public.api_keys (organization_id, id, name, prefix, scopes, networks, created_by, revoked_at)
    select o.id, gen_random_uuid(), repeat('K', 100), 'fd_live_000000', '{contacts:read,billing:write}', '{198.51.100.0/24}', m.user_id, ended
    from public.organizations o join public.organization_members m on m.organization_id = o.id, unnest(array[null, now()]) as ended
    where o.slug = 'lagos-glow-salon'
"""
# a quarter's figures, of more members and numbers than a page shows
FIGURES = """
    insert into public.usage_days (organization_id, day, metric, channel_id, author, user_id, amount)
    select o.id, current_date - d, m.metric, gen_random_uuid(), m.author, case m.author when 'member' then gen_random_uuid() else u end, 10 + d * 997 % 800
    from public.organizations o, generate_series(0, 80) as d, (values (uuid '00000000-0000-0000-0000-000000000000')) as nobody (u),
      (values ('messages_received', 'contact'), ('messages_sent', 'member'), ('messages_sent', 'bot'), ('api_requests', 'nobody')) as m (metric, author)
    where o.slug = 'lagos-glow-salon'
"""
LONGEST = """
    update public.contacts set name = repeat('N', 400)
    where id in (select contact_id from public.conversations order by last_message_at desc, id desc limit 1)
"""
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


FORMS = {"wide and light": (WIDE, "light"), "wide and dark": (WIDE, "dark"), "a phone": (NARROW, "light")}


@pytest.mark.parametrize(("screen", "colours"), FORMS.values(), ids=FORMS)
async def test_everybody_can_use_every_page(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[object], chromium: str, screen: Any, colours: Any
) -> None:
    async with (
        served(settings, database) as address,
        browsing(chromium, address, viewport=screen, color_scheme=colours) as page,
    ):
        problems = [await look(page, path) for path in OUTSIDE]
        await register(page)
        problems += [await look(page, path) for path in EMPTY]
        await page.goto("/dashboard")
        await page.get_by_role("button", name="Load sample data").click()
        await expect(page.locator("#toasts")).to_contain_text("The sample data is here.")
        await owner.execute(CROWDED)
        await owner.execute(LONGEST)
        await owner.execute(COLLEAGUE)
        await owner.execute(KEYS)
        await owner.execute(FIGURES)
        await owner.execute("update auth.users set email_confirmed_at = now()")
        await invite(page, f"{'e' * 60}@{'example.' * 20}org")
        problems += [await look(page, path) for path in FULL]
        for path, link in OPENED.items():
            problems.append(await look(page, await first(page, path if path in FULL else page.url, link)))
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
        problems += [await look(page, path) for path in STALE]
    assert [one for one in problems if one] == []


def test_no_page_is_forgotten(settings: Settings) -> None:
    built: Any = application.build(settings, cast(Any, None), cast(Any, None), cast(Any, None))
    pages = {path for method, path in needs_of(built.app.routes) if method == "GET"} - PIECES.keys()
    pages = {path for path in pages if not path.startswith("/operator")}  # the console: tests/operator/test_browser.py
    looked_at = {urlsplit(path).path for path in [*OUTSIDE, *EMPTY, *FULL, *STALE]}
    assert {path for path in pages if path not in looked_at and path.partition("/{")[0] not in OPENED} == set()


async def look(page: Page, path: str) -> dict[str, Any]:
    """What is wrong with this page."""
    await page.goto(path)
    assert await page.evaluate("document.documentElement.dataset.bsTheme") == await page.evaluate(
        "matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"
    )
    return await look_here(page)


async def look_here(page: Page) -> dict[str, Any]:
    """What is wrong with the page that is open."""
    await page.evaluate(AXE)
    found, beyond = await page.evaluate(FOUND, RULES), await page.evaluate(BEYOND)
    return {"page": page.url, "axe": found, "beyond the edge": beyond} if found or beyond else {}


async def look_twice(page: Page) -> list[dict[str, Any]]:
    """What is wrong with the page that is open, wide and light, and on a phone and dark; empty when nothing is."""
    wrong = []
    for screen, colours in ((WIDE, "light"), (NARROW, "dark")):
        await page.set_viewport_size(screen)
        await page.emulate_media(color_scheme=colours)
        await page.reload()
        wrong.append(await look_here(page))
    await page.set_viewport_size(WIDE)
    return [one for one in wrong if one]


async def invite(page: Page, email: str) -> None:
    """Somebody is invited."""
    await page.goto("/dashboard/team/invitations")
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Send the invitation").click()
    await expect(page.locator("#toasts")).to_contain_text("is invited.")


async def first(page: Page, path: str, link: str) -> str:
    """Where the first link of a list leads, on this site."""
    await page.goto(path)
    return urlsplit(str(await page.locator(link).first.get_attribute("href"))).path
