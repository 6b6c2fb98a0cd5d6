"""The list of conversations: what it shows, finds and pages through."""

import html
import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from frontdesk.messages.inbox.records import Cursor
from tests.messages.inbox.browser import Browser
from tests.messages.inbox.conftest import Shop, days_ago


async def test_the_newest_conversation_stands_first(salon: Shop) -> None:
    for n, who in enumerate(("Amina", "Luca", "Priya")):
        await salon.customer_writes(who=who, phone=f"49170000000{n}", at=days_ago(n))
    await salon.customer_writes("back again", who="Priya", phone="491700000002")
    assert await _names(salon.boss) == ["Priya", "Amina", "Luca"]


async def test_every_conversation_is_reached_page_by_page_and_once(salon: Shop) -> None:
    moment = days_ago(1)
    for n in range(207):
        await salon.customer_writes(who=f"Customer {n:03}", phone=f"49170{n:07}", at=moment)  # all in one second
    first = (await salon.boss.get("/dashboard/inbox", limit="200")).text
    seen = _listed(first)
    older = re.search(r'href="(/dashboard/inbox\?[^"]*after=[^"]+)"', first)
    assert older is not None
    second = await salon.boss.get(html.unescape(older[1]))
    assert len(seen) == 200 and len(set(seen + _listed(second.text))) == 207
    assert "Newest conversations" in second.text and "Older conversations" not in second.text
    assert len(_listed((await salon.boss.get("/dashboard/inbox")).text)) == 50


async def test_filters_show_what_they_say(salon: Shop) -> None:
    made = {who: await salon.customer_writes(who=who, phone=f"4917000000{n}") for n, who in enumerate(("Open", "Mine", "Theirs", "Closed", "Read"))}
    maya = await salon.colleague("member", "Maya")
    await salon.boss.post(f"/dashboard/inbox/{made['Mine'].conversation_id}/assignment")
    await maya.post(f"/dashboard/inbox/{made['Theirs'].conversation_id}/assignment")
    await salon.boss.post(f"/dashboard/inbox/{made['Closed'].conversation_id}/closure")
    await salon.boss.get(f"/dashboard/inbox/{made['Read'].conversation_id}")
    assert set(await _names(salon.boss)) == {"Open", "Mine", "Theirs", "Read"}
    assert await _names(salon.boss, show="mine") == ["Mine"]
    assert await _names(maya, show="mine") == ["Theirs"]
    assert set(await _names(salon.boss, show="unassigned")) == {"Open", "Read"}
    assert set(await _names(salon.boss, show="unread")) == {"Open", "Mine", "Theirs"}
    assert await _names(salon.boss, show="closed") == ["Closed"]
    page = (await salon.boss.get("/dashboard/inbox/list", htmx=True)).text
    assert re.search(r'Mine <span class="pill">1</span>', page) and re.search(r'Unread <span class="pill">3</span>', page)
    await salon.boss.get(f"/dashboard/inbox/{made['Theirs'].conversation_id}")
    assert "Maya" in (await salon.boss.get("/dashboard/inbox/list", htmx=True)).text
    await maya.client.aclose()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("joao", ["João Pereira"]),
        ("JOÃO", ["João Pereira"]),
        ("351 91", ["João Pereira"]),
        ("strasse", ["Kurt"]),
        ("100%", ["Kurt"]),
        ("1_0", []),
        ("hauptstr 100", ["Kurt"]),
        ("nobody", []),
        ("\\", []),
    ],
)
async def test_search_finds_names_numbers_and_last_words(salon: Shop, bakery: Shop, words: str, found: list[str]) -> None:
    await salon.customer_writes("Olá", who="João Pereira", phone="351912345678")
    await salon.owner.execute("update public.contacts set search_text = 'joao pereira'")
    await salon.customer_writes("Hauptstraße 100% sicher", who="Kurt", phone="491701234567")
    await bakery.customer_writes("Hauptstraße 100% sicher", who="João Pereira", phone="351912345679")
    assert await _names(salon.boss, q=words) == found


async def test_a_search_that_finds_nothing_says_so(salon: Shop) -> None:
    await salon.customer_writes()
    page = await salon.boss.get("/dashboard/inbox", q="<zebra>")
    assert "Nothing fits “&lt;zebra&gt;”" in page.text


async def test_an_address_that_makes_no_sense_shows_the_usual_list(salon: Shop) -> None:
    await salon.customer_writes()
    assert await _names(salon.boss, show="everything", after="x.y", limit="1") == ["Amina Okafor"]


def test_a_cursor_survives_its_address() -> None:
    cursor = Cursor(datetime(2026, 11, 24, 9, 41, 0, 123456, UTC), UUID(int=7))
    assert Cursor.read(cursor.written()) == cursor
    assert Cursor.read("99999999999999999999999.x") is None


async def _names(browser: Browser, **query: str) -> list[str]:
    return _listed((await browser.get("/dashboard/inbox/list", htmx=True, **query)).text)


def _listed(page: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'class="fw-medium text-truncate" dir="auto">([^<]*)<', page)]
