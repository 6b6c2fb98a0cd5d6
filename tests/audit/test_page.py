"""The page of the audit log: read as sentences, found by filters, paged by its address."""

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
import pytest

from frontdesk import audit
from frontdesk.access import Actor
from frontdesk.database import Database, new_id
from frontdesk.settings import Settings
from tests.desk import Desk, seated
from tests.roles import becomes

PAGE = "/dashboard/audit"
LONG = "Örjan 🙂 " + "ع" * 380


@pytest.fixture
async def desk(database: Database, settings: Settings) -> AsyncIterator[Desk]:
    """Maya Bello at her desk."""
    async with seated(database, settings) as desk:
        yield desk


async def write(desk: Desk, action: str, target: tuple[str, UUID | str] = ("thing", "7"), **details: Any) -> None:
    async with desk.tenant() as db:
        await audit.append(db, action, target_type=target[0], target_id=target[1], details=details)


async def sentences(desk: Desk, **asked: str) -> list[str]:
    """What the entries of a page say, newest first."""
    answer = await desk.get(f"{PAGE}?{urlencode(asked)}")
    assert answer.status_code == 200
    found = re.findall(r'<div class="grow">(.*?)<span class="sub">', answer.text, re.S)
    return [html.unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in found]


async def test_entries_read_as_sentences_with_time_place_and_device(desk: Desk) -> None:
    newest, *others = await sentences(desk)
    assert newest.startswith("Maya Bello connected the number +1 555 01")
    assert others == ["Maya Bello registered", "Maya Bello founded Lagos Glow Salon"]
    page = (await desk.get(PAGE)).text
    assert "Firefox on Linux · 127.0.0.1" in page
    assert '<dd class="mono text-break">user.registered</dd>' in page


async def test_what_changed_is_told_from_and_to(desk: Desk) -> None:
    contact = new_id()
    await write(desk, "contact.renamed", ("contact", contact), changed={"given_name": {"from": None, "to": "Ben"}})
    assert (await sentences(desk))[0] == "Maya Bello changed a contact’s name from nothing to Ben"
    page = (await desk.get(PAGE)).text
    assert re.search(r"<dt>Name</dt><dd[^>]*><bdi>nothing</bdi> .*?<bdi>Ben</bdi>", page)
    assert f"target=contact%3A{contact}" in page


async def test_entries_of_the_first_version_are_read_as_changes_too(desk: Desk) -> None:
    await write(desk, "user.renamed", before="Maya", after="Maya Bello")
    await write(desk, "auto_reply.moved", name="Prices", **{"from": 3, "to": 1})
    assert (await sentences(desk))[:2] == ["Maya Bello moved the auto reply Prices from place 3 to 1", "Maya Bello changed a name from Maya to Maya Bello"]


async def test_an_action_of_a_later_version_is_told_by_its_own_words(desk: Desk) -> None:
    await write(desk, "gift_card.redeemed", name="10 %(actor)s% off", shape={"a": [1, None, True]}, amounts=[1, 2])
    assert (await sentences(desk))[0] == "Maya Bello: gift card redeemed (10 %(actor)s% off)"
    assert '<dt>Amounts</dt><dd class="text-break pre"><bdi>1, 2</bdi>' in (await desk.get(PAGE)).text


async def test_what_people_wrote_stays_text_and_is_cut_in_a_sentence(desk: Desk) -> None:
    await write(desk, "contact.blocked", name="<script>alert(1)</script>")
    await write(desk, "contact.blocked", name=LONG)
    page = (await desk.get(PAGE)).text
    assert "<script>alert(1)" not in page
    assert (await sentences(desk))[1] == "Maya Bello blocked <script>alert(1)</script>"
    assert (await sentences(desk))[0] == f"Maya Bello blocked {LONG[:79]}…"


async def test_the_log_is_found_by_actor_action_group_thing_and_words(desk: Desk) -> None:
    contact = new_id()
    await write(desk, "contact.blocked", ("contact", contact), name="Ben")
    await write(desk, "auto_reply.switched_off", name="100%_off")
    async with desk.database.tenants([desk.organization_id]) as db:
        await audit.append(db, "contact.unblocked", organization_id=desk.organization_id, target_type="contact", target_id=contact, details={"name": "Ben"})
    me = f"user:{desk.user_id}"
    assert await sentences(desk, actor="system") == ["Frontdesk unblocked Ben"]
    assert len(await sentences(desk, actor=me)) == 5
    assert await sentences(desk, action="contacts") == ["Frontdesk unblocked Ben", "Maya Bello blocked Ben"]
    assert await sentences(desk, action="contact.blocked") == ["Maya Bello blocked Ben"]
    assert await sentences(desk, target=f"contact:{contact}", actor=me) == ["Maya Bello blocked Ben"]
    assert await sentences(desk, action="contacts", actor=me) == ["Maya Bello blocked Ben"]
    assert await sentences(desk, q="100%_ BELLO") == ["Maya Bello switched off the auto reply 100%_off"]
    assert await sentences(desk, q="nobody") == []
    assert "No entry fits" in (await desk.get(f"{PAGE}?q=nobody")).text


async def test_the_log_is_found_by_days_of_the_readers_zone(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    await write(desk, "contact.blocked", name="Ben")
    await owner.execute("alter table public.audit_logs disable trigger all")
    await owner.execute("update audit_logs set created_at = '2026-03-01 23:30+00' where organization_id = %s and seq < 4", (desk.organization_id,))
    desk.client.cookies.set("zone", "Europe/Berlin")
    assert len(await sentences(desk, since="2026-03-02", until="2026-03-02")) == 3
    assert await sentences(desk, until="2026-03-01") == []
    assert await sentences(desk, since="2026-03-03") == ["Maya Bello blocked Ben"]
    assert await sentences(desk, since="2999-01-01") == []


@pytest.mark.parametrize("asked", [
    {"actor": "user:no"}, {"actor": "king"}, {"target": "contact"}, {"since": "yesterday"}, {"until": "9999-12-31"}, {"before": "-1"}, {"before": "9" * 40},
    {"q": "\x00"},
])  # fmt: skip
async def test_a_filter_that_makes_no_sense_is_none(desk: Desk, asked: dict[str, str]) -> None:
    assert len(await sentences(desk, **asked)) == 3


async def test_hundreds_of_entries_are_paged_without_gap_or_repetition(desk: Desk) -> None:
    async with desk.tenant() as db:
        for number in range(130):
            await audit.append(db, "contact.blocked", target_type="contact", target_id=str(number), details={"name": f"No. {number}"})
    seen, address = [], PAGE + "?action=contacts"
    while address:
        page = (await desk.get(address)).text
        seen += re.findall(r"blocked <bdi>No\. (\d+)</bdi>", page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = html.unescape(found[1]) if found else ""
    assert seen == [str(number) for number in range(129, -1, -1)]


async def test_a_question_stops_after_some_thousand_entries_and_can_be_continued(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    await write(desk, "contact.blocked", name="Zebulon")
    await owner.execute(
        "insert into audit_logs (organization_id, seq, created_at, actor_kind, action, prev_hash, hash)"
        " select %s, 10 + n, now(), 'system', 'a.b', '', '' from generate_series(1, 2500) n", (desk.organization_id,)
    )  # fmt: skip
    page = (await desk.get(f"{PAGE}?q=Zebulon")).text
    assert "Nothing so far" in page and "Look further back" in page
    address = re.search(r'href="([^"]+)" rel="next"', page)
    assert address is not None
    assert "blocked" in (await desk.get(html.unescape(address[1]))).text


async def test_who_may_not_read_the_log_does_not_get_in_and_sees_no_way_to_it(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    assert f'href="{PAGE}"' in (await desk.get("/dashboard")).text
    await becomes(owner, "member", desk.user_id)
    assert (await desk.get(PAGE)).status_code == 403
    assert f'href="{PAGE}"' not in (await desk.get("/dashboard")).text


async def test_a_neighbours_entries_are_not_found_by_their_own_names(desk: Desk, database: Database, settings: Settings) -> None:
    async with seated(database, settings, email="olga@example.com", name="Olga", organization_name="Moretti") as olga:
        thing = new_id()
        await write(desk, "contact.blocked", ("contact", thing), name="Ben")
        for asked in ({"target": f"contact:{thing}"}, {"actor": f"user:{desk.user_id}"}, {"q": "Ben"}, {"q": "Maya"}):
            assert await sentences(olga, **asked) == []
        assert "Maya" not in (await olga.get(PAGE)).text


async def test_the_operator_and_frontdesk_are_named_in_words(desk: Desk, database: Database) -> None:
    async with database.platform() as db:
        await audit.append_as(db, desk.organization_id, Actor("operator", name="root"), "channel.connected", details={"number": "+49 1"})
    assert (await sentences(desk))[0] == "The operator connected the number +49 1"
    assert await sentences(desk, actor="operator") == ["The operator connected the number +49 1"]
    until = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert len(await sentences(desk, actor="operator", until=until)) == 1


# ---- what was done to a thing, on its own page ----


async def test_the_page_of_a_contact_a_rule_and_a_number_tell_what_was_done_to_it(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    await desk.press("/dashboard/sample-data", "/dashboard")
    ((contact, channel),) = await (await owner.execute("select k.id, c.id from contacts k, channels c order by k.id limit 1")).fetchall()
    for number in range(7):
        await write(desk, "contact.blocked", ("contact", contact), name=f"No. {number}")
    shown = re.findall(r"blocked <bdi>No\. (\d)</bdi>", (await desk.get(f"/dashboard/contacts/{contact}")).text)
    assert shown == ["6", "5", "4", "3", "2"]
    assert "connected the number" in (await desk.get("/dashboard/channels")).text
    assert f"target=channel%3A{channel}" in (await desk.get("/dashboard/channels")).text
    await becomes(owner, "member", desk.user_id)
    for path in (f"/dashboard/contacts/{contact}", "/dashboard/channels"):
        assert "Activity" not in (await desk.get(path)).text
