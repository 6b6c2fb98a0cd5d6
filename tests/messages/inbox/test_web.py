"""The inbox over HTTP: what a team sees and does, with scripts and without."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from frontdesk.database import new_id
from tests.messages.inbox.conftest import Shop, days_ago

LONGEST = 4_096


async def test_a_message_is_seen_in_the_list_and_in_its_thread(salon: Shop) -> None:
    arrived = await salon.customer_writes("Hi! I'd like to book a haircut")
    page = await salon.boss.get("/dashboard/inbox")
    assert page.status_code == 200
    assert "Amina Okafor" in page.text and "book a haircut" in page.text
    thread = await salon.boss.get(f"/dashboard/inbox/{arrived.conversation_id}")
    assert thread.status_code == 200
    assert "Open window" in thread.text and "23 h 59 min" in thread.text
    assert 'name="text"' in thread.text and "+234 803 555 0142" in thread.text


async def test_an_inbox_where_nothing_happened_says_what_to_do(salon: Shop) -> None:
    page = await salon.boss.get("/dashboard/inbox")
    assert page.status_code == 200
    assert "Nobody has written yet" in page.text


async def test_a_reply_is_queued_once_with_the_lane_rung(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    sent = await salon.boss.write(arrived.conversation_id, "  Hello Amina  ")
    assert sent.status_code == 303
    stored = await salon.stored(arrived.conversation_id)
    assert [(m["direction"], m["author"], m["text"], m["status"]) for m in stored][1:] == [("out", "member", "Hello Amina", "queued")]
    assert stored[1]["user_id"] == salon.boss.user_id
    outbox = await (await salon.owner.execute("select priority, recipient, window_ends_at from public.outbox")).fetchall()
    assert [(row[0], row[1]) for row in outbox] == [(1, "2348035550142")]
    assert outbox[0][2] == stored[0]["occurred_at"] + timedelta(hours=24)
    await _until(lambda: len(salon.site.rung) == 1)
    assert (await salon.conversation(arrived.conversation_id))["assigned_to"] is None


async def test_the_same_form_twice_is_one_message(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    page = await salon.boss.get(f"/dashboard/inbox/{arrived.conversation_id}")
    found = re.search(r'name="message_id" value="([^"]+)"', page.text)
    assert found is not None
    for _ in range(2):
        answer = await salon.boss.write(arrived.conversation_id, "Yes", htmx=True, message_id=UUID(found[1]))
        assert answer.status_code == 200 and answer.text.count('<p dir="auto">Yes</p>') == 1
        assert 'id="composer"' in answer.text and found[1] not in re.findall(r'name="message_id" value="([^"]+)"', answer.text)
    assert [m["text"] for m in await salon.stored(arrived.conversation_id)] == ["hi", "Yes"]


async def test_an_id_from_nowhere_is_replaced(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    for strange in (uuid4(), UUID(int=0x7 << 76 | 0b10 << 62)):
        assert (await salon.boss.write(arrived.conversation_id, "Yes", message_id=strange)).status_code == 303
        assert strange not in {m["id"] for m in await salon.stored(arrived.conversation_id)}


async def test_4096_characters_go_and_4097_stay_in_the_composer(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    assert (await salon.boss.write(arrived.conversation_id, "ü" * LONGEST)).status_code == 303
    too_long = "x" * LONGEST + "y"
    for htmx in (True, False):
        refused = await salon.boss.write(arrived.conversation_id, too_long, htmx=htmx)
        assert refused.status_code == 422
        assert "at most 4,096 characters" in refused.text and "This has 4,097." in refused.text
        assert too_long in refused.text and 'aria-invalid="true"' in refused.text
        assert refused.headers.get("hx-retarget") == ("#composer" if htmx else None)
    assert len(await salon.stored(arrived.conversation_id)) == 2


async def test_nothing_but_blanks_is_not_sent(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    refused = await salon.boss.write(arrived.conversation_id, " \n ", htmx=True)
    assert refused.status_code == 422 and "Write something first" in refused.text


async def test_outside_the_window_nothing_is_sent_and_nothing_typed_is_lost(salon: Shop) -> None:
    arrived = await salon.customer_writes(at=days_ago(1.01))
    page = await salon.boss.get(f"/dashboard/inbox/{arrived.conversation_id}")
    assert "Window closed" in page.text and "more than 24 hours old" in page.text and 'name="text"' not in page.text
    refused = await salon.boss.write(arrived.conversation_id, "Are you there?", htmx=True)
    assert refused.status_code == 409
    assert "WhatsApp lets you write again as soon as the customer does" in refused.text and "Are you there?" in refused.text
    assert len(await salon.stored(arrived.conversation_id)) == 1


async def test_a_blocked_contact_is_not_written_to(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    await salon.boss.post(f"/dashboard/contacts/{arrived.contact_id}/block")
    refused = await salon.boss.write(arrived.conversation_id, "Hello")
    assert refused.status_code == 409 and "This contact is blocked" in refused.text and "Hello" in refused.text


async def test_a_stopped_number_sends_nothing(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    await salon.owner.execute("update public.channels set stopped_at = now(), stopped_reason = 'token' where id = %s", [salon.channel_id])
    refused = await salon.boss.write(arrived.conversation_id, "Hello", htmx=True)
    assert refused.status_code == 409 and "This number is stopped" in refused.text
    assert "is stopped" in (await salon.boss.get(f"/dashboard/inbox/{arrived.conversation_id}")).text


async def test_a_viewer_reads_but_does_not_write(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    viewer = await salon.colleague("viewer", "Vera")
    page = await viewer.get(f"/dashboard/inbox/{arrived.conversation_id}")
    assert page.status_code == 200 and "Your role may read, but not answer" in page.text
    assert (await viewer.write(arrived.conversation_id, "Hello")).status_code == 403
    for act in ("closure", "closure/removal", "assignment", "bot/removal", "reading", f"messages/{arrived.id}/resend"):
        assert (await viewer.post(f"/dashboard/inbox/{arrived.conversation_id}/{act}")).status_code == 403
    assert len(await salon.stored(arrived.conversation_id)) == 1
    assert (await salon.conversation(arrived.conversation_id))["unread_count"] == 1
    await viewer.client.aclose()


async def test_a_foreign_conversation_is_as_missing_as_none_at_all(salon: Shop, bakery: Shop) -> None:
    foreign = await bakery.customer_writes("a secret cake")
    missing = new_id()
    for path in ("", "/messages", "/head"):
        theirs, nobodys = [await salon.boss.get(f"/dashboard/inbox/{one}{path}") for one in (foreign.conversation_id, missing)]
        assert theirs.status_code == nobodys.status_code == 404
        assert _same(theirs.text) == _same(nobodys.text)
    for path in (
        "/messages",
        "/closure",
        "/closure/removal",
        "/assignment",
        "/bot",
        "/bot/removal",
        "/reading",
        f"/messages/{foreign.id}/resend",
    ):
        answers = [await salon.boss.post(f"/dashboard/inbox/{one}{path}", text="x") for one in (foreign.conversation_id, missing)]
        assert [answer.status_code for answer in answers] == [404, 404]
    untouched = await bakery.conversation(foreign.conversation_id)
    assert untouched["closed_at"] is None and untouched["assigned_to"] is None and untouched["unread_count"] == 1
    assert "secret cake" not in (await salon.boss.get("/dashboard/inbox", q="cake")).text


async def test_a_message_of_another_conversation_is_not_sent_again(salon: Shop) -> None:
    mine, other = await salon.customer_writes(), await salon.customer_writes(phone="491701234567", who="Kurt")
    await salon.boss.write(other.conversation_id, "for Kurt")
    sent = (await salon.stored(other.conversation_id))[1]
    await salon.whatsapp_says(sent["id"], "failed", error="Refused")
    assert (await salon.boss.post(f"/dashboard/inbox/{mine.conversation_id}/messages/{sent['id']}/resend")).status_code == 404


async def test_closing_assigning_and_the_bot_are_rows_with_who_and_when(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    here, one = f"/dashboard/inbox/{arrived.conversation_id}", arrived.conversation_id
    for act, column, who in (
        ("closure", "closed_at", "closed_by"),
        ("assignment", "assigned_at", "assigned_to"),
        ("bot/removal", "bot_off_at", "bot_off_by"),
    ):
        answer = await salon.boss.post(f"{here}/{act}", htmx=True)
        assert answer.status_code == 200 and 'id="chat-head"' in answer.text
        assert 'hx-target="#composer"' not in answer.text.split('<form class="composer"')[0]  # what is being typed stays
        after = await salon.conversation(one)
        assert after[column] is not None and after[who] == salon.boss.user_id
    for act, column, who in (
        ("closure/removal", "closed_at", "closed_by"),
        ("assignment/removal", "assigned_at", "assigned_to"),
        ("bot", "bot_off_at", "bot_off_by"),
    ):
        answer = await salon.boss.post(f"{here}/{act}")
        assert answer.status_code == 303 and answer.headers["location"] == here
        after = await salon.conversation(one)
        assert after[column] is None and after[who] is None


async def test_a_closed_conversation_opens_with_the_next_message(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/closure")
    assert "Amina" not in (await salon.boss.get("/dashboard/inbox/list", htmx=True)).text
    assert "Amina" in (await salon.boss.get("/dashboard/inbox/list", htmx=True, show="closed")).text
    await salon.customer_writes("one more thing")
    assert "Amina" in (await salon.boss.get("/dashboard/inbox/list", htmx=True)).text


async def test_opening_a_conversation_is_reading_it(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    assert ">1<b" in (await salon.boss.get("/dashboard/inbox/unread", htmx=True)).text
    await salon.boss.get(f"/dashboard/inbox/{arrived.conversation_id}", htmx=True)
    assert (await salon.conversation(arrived.conversation_id))["unread_count"] == 0
    await salon.customer_writes("again")
    log = await salon.boss.get(f"/dashboard/inbox/{arrived.conversation_id}/messages", htmx=True)
    assert "/reading" in log.text  # whoever has the thread before them says so by itself
    assert (await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/reading", htmx=True)).status_code == 204
    assert (await salon.conversation(arrived.conversation_id))["unread_count"] == 0


async def test_a_form_rendered_for_another_organization_sends_nothing(salon: Shop, bakery: Shop) -> None:
    arrived = await salon.customer_writes()
    answer = await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/messages", text="x", organization_id=str(bakery.id))
    assert answer.status_code == 409
    assert len(await salon.stored(arrived.conversation_id)) == 1


async def test_over_the_plans_limit_the_message_stands_there_with_the_reason(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    await salon.owner.execute(
        "update public.organization_usage set used = 5000 where organization_id = %s and metric = 'messages_sent'",
        [salon.id],
    )
    answer = await salon.boss.write(arrived.conversation_id, "Hello", htmx=True)
    assert answer.status_code == 200 and "used up for this month" in answer.text
    assert [m["status"] for m in await salon.stored(arrived.conversation_id)] == ["received", "failed"]
    assert await (await salon.owner.execute("select count(*) from public.outbox")).fetchone() == (0,)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


def _same(page: str) -> str:
    return re.sub(r"[0-9A-HJKMNP-TV-Z]{12}|nonce=\"[^\"]+\"|[0-9a-f]{8}-[0-9a-f-]{27}|\d{10}\.\d+", "", page)
