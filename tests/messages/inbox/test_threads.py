"""A thread: what was said, how it fared, and what it answers to."""

import html
import itertools
import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from frontdesk.messages import NewMessage
from tests.messages.inbox.conftest import Shop, days_ago

TICKS = {
    "queued": "waiting to be sent",
    "sent": ">sent<",
    "delivered": ">delivered<",
    "read": ">read<",
    "failed": "not sent",
    "unknown": "perhaps not sent",
}


async def test_messages_of_one_second_stand_in_the_order_of_their_arrival(salon: Shop) -> None:
    moment = days_ago(0.1)
    for n in range(5):
        arrived = await salon.customer_writes(f"message {n}", at=moment)
    assert _texts(await _thread(salon, arrived.conversation_id)) == [f"message {n}" for n in range(5)]


async def test_fifty_are_shown_and_the_earlier_ones_fetched_by_fifty(salon: Shop) -> None:
    start = days_ago(0.5)
    for n in range(120):
        arrived = await salon.customer_writes(f"message {n}", at=start + timedelta(seconds=n // 3))
    page = await _thread(salon, arrived.conversation_id)
    assert _texts(page) == [f"message {n}" for n in range(70, 120)]
    page = await _thread(salon, arrived.conversation_id, before=_first(page))
    assert _texts(page) == [f"message {n}" for n in range(20, 120)]
    await salon.customer_writes("the newest")
    refreshed = await _thread(salon, arrived.conversation_id, **{"from": _first(page)})  # what was unfolded stays unfolded
    assert _texts(refreshed) == [f"message {n}" for n in range(20, 120)] + ["the newest"]
    page = await _thread(salon, arrived.conversation_id, before=_first(page))
    assert _texts(page)[0] == "message 0" and "Earlier messages" not in page


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
async def test_statuses_in_every_order_end_at_read(salon: Shop, order: tuple[str, ...]) -> None:
    arrived, sent = await _answered(salon)
    await salon.whatsapp_says(sent, *order)
    page = await _thread(salon, arrived.conversation_id)
    assert TICKS["read"] in page and TICKS["delivered"] not in page


async def test_each_status_is_shown_by_its_tick(salon: Shop) -> None:
    arrived, sent = await _answered(salon)
    for status in ("queued", "sent", "delivered", "read"):
        await salon.whatsapp_says(sent, status)
        page = await _thread(salon, arrived.conversation_id)
        assert [one for one, words in TICKS.items() if words in page] == [status]
        assert "Send again" not in page


async def test_what_failed_says_why_and_can_be_sent_again_once(salon: Shop) -> None:
    arrived, sent = await _answered(salon, "Fri 4 pm?")
    await salon.whatsapp_says(sent, "failed", error="The number is not on WhatsApp.")
    page = await _thread(salon, arrived.conversation_id)
    assert TICKS["failed"] in page and "The number is not on WhatsApp." in page and "Send again" in page
    for _ in range(2):
        answer = await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/messages/{sent}/resend", htmx=True)
        assert answer.status_code == 200 and "Send again" not in answer.text and 'id="composer"' not in answer.text
    stored = await salon.stored(arrived.conversation_id)
    assert [(m["text"], m["status"], m["resend_of"]) for m in stored[1:]] == [
        ("Fri 4 pm?", "failed", None),
        ("Fri 4 pm?", "queued", sent),
    ]


async def test_what_nobody_knows_of_can_be_sent_again(salon: Shop) -> None:
    arrived, sent = await _answered(salon)
    await salon.owner.execute("update public.messages set status = 'unknown' where id = %s", [sent])
    page = await _thread(salon, arrived.conversation_id)
    assert TICKS["unknown"] in page and "The customer may have this message already" in page
    assert (await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/messages/{sent}/resend")).status_code == 303
    assert [m["status"] for m in await salon.stored(arrived.conversation_id)][1:] == ["unknown", "queued"]


async def test_what_arrived_well_is_not_sent_again(salon: Shop) -> None:
    arrived, sent = await _answered(salon)
    await salon.whatsapp_says(sent, "read")
    assert (await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/messages/{sent}/resend", htmx=True)).status_code == 409
    assert (await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/messages/{arrived.id}/resend")).status_code == 404


async def test_the_latest_reaction_stands_on_its_message(salon: Shop) -> None:
    arrived, sent = await _answered(salon)
    await salon.whatsapp_says(sent, "sent", provider_id="wamid.ours")
    moment = days_ago(0.01)
    for emoji in ("👍", "❤️"):  # in one second: the later arrival counts
        await salon.customer_writes(type="reaction", text="", emoji=emoji, reply_to="wamid.ours", at=moment)
    await salon.customer_writes(type="reaction", text="", emoji="😡", reply_to="wamid.ours", at=moment - timedelta(seconds=9))
    page = await _thread(salon, arrived.conversation_id)
    assert re.findall(r'class="react">.*?</span>([^<]*)</span>', page) == ["❤️"]
    assert len(_texts(page)) == 2
    await salon.customer_writes(type="reaction", text="", emoji="", reply_to="wamid.ours")
    assert 'class="react"' not in await _thread(salon, arrived.conversation_id)


async def test_a_reaction_of_another_conversation_is_not_shown(salon: Shop) -> None:
    arrived = await salon.customer_writes(provider_id="wamid.theirs")
    await salon.customer_writes(who="Kurt", phone="491701234567", type="reaction", text="", emoji="👍", reply_to="wamid.theirs")
    assert 'class="react"' not in await _thread(salon, arrived.conversation_id)


async def test_a_quoted_message_is_shown_above_its_answer_even_from_long_ago(salon: Shop) -> None:
    arrived, sent = await _answered(salon, "Would 4 pm suit you?")
    await salon.whatsapp_says(sent, "sent", provider_id="wamid.ours")
    start = days_ago(-0.001)
    for n in range(60):
        await salon.customer_writes(f"message {n}", at=start + timedelta(seconds=n))
    await salon.customer_writes("Yes", reply_to="wamid.ours", at=start + timedelta(minutes=2))
    await salon.customer_writes("No", reply_to="wamid.unheard-of", at=start + timedelta(minutes=3))
    page = await _thread(salon, arrived.conversation_id)
    quoted = [re.sub("<[^>]+>", "", one) for one in re.findall(r'class="quoted"[^>]*>(.*?)</span>', page)]
    assert quoted == ["Salon Boss Would 4 pm suit you?", "…"]


async def test_answers_of_the_bot_are_marked_with_their_rule(salon: Shop) -> None:
    arrived, sent = await _answered(salon)
    await salon.owner.execute(
        """
        update public.messages set author = 'bot', user_id = null,
          auto_reply_id = (select id from public.auto_replies where organization_id = %s)
        where id = %s
        """,
        [salon.id, sent],
    )
    page = await _thread(salon, arrived.conversation_id)
    assert 'class="msg bot"' in page and "First greeting" in page


async def test_days_are_told_by_the_organizations_clock(salon: Shop) -> None:
    await salon.owner.execute("update public.organizations set timezone = 'Pacific/Auckland' where id = %s", [salon.id])
    arrived = await salon.customer_writes("morning there", at=datetime.fromisoformat("2026-01-14T20:30:00+00:00"))
    page = await _thread(salon, arrived.conversation_id)
    assert "15 January" in page and ">09:30" in page


async def test_what_customers_write_is_text_and_nothing_else(salon: Shop) -> None:
    arrived = await salon.customer_writes("<script>alert(1)</script> {{ 7 * 7 }}", who="<b>Bobby</b>")
    page = (await salon.boss.get(f"/dashboard/inbox/{arrived.conversation_id}")).text
    assert "<script>alert" not in page and "<b>Bobby" not in page and "{{ 7 * 7 }}" in page


async def _answered(salon: Shop, text: str = "Hello") -> tuple[NewMessage, UUID]:
    arrived = await salon.customer_writes()
    await salon.boss.write(arrived.conversation_id, text)
    return arrived, (await salon.stored(arrived.conversation_id))[1]["id"]


async def _thread(salon: Shop, conversation_id: UUID, **query: str) -> str:
    answer = await salon.boss.get(f"/dashboard/inbox/{conversation_id}/messages", htmx=True, **query)
    assert answer.status_code == 200
    return answer.text


def _texts(page: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<p(?: [^>]*)?>([^<]*)</p>", page)]


def _first(page: str) -> str:
    found = re.search(r'id="m-([^"]+)"', page)
    assert found is not None
    return found[1]
