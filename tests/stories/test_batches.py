"""What WhatsApp sends in one body: much, mixed, odd and hostile; nothing of it costs anything else."""

import json
import time
from typing import Any

from tests.product import Shop, eventually
from tests.stories.conftest import Backstage
from tests.world import status, text, webhook

LARGEST = 3 * 1024 * 1024


def value_of(shop: Shop, **parts: Any) -> dict[str, Any]:
    """A value of field "messages" for a shop's number."""
    return {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": shop.phone_number_id}, **parts}


async def test_a_thousand_updates_of_every_kind_over_two_organizations(shop: Shop, neighbour: Shop, backstage: Backstage) -> None:
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    ((ours,),) = await backstage.see("select id from public.messages where organization_id = %s and direction = 'out'", shop.organization_id)
    entries = []
    for n, here in enumerate((shop, neighbour)):
        texts = [{"from": f"4917{n}{i % 100:07}", "id": f"wamid.{here.phone_number_id}.{i}", "timestamp": str(int(time.time())), "type": "text",
                  "text": {"body": f"number {i}"}} for i in range(480)]  # fmt: skip
        strange = [
            {"from": "49170", "id": f"wamid.odd.{n}", "timestamp": "x", "type": "hologram", "hologram": {"deep": [[[{}]]]}},
            "nonsense",
            None,
            {"type": "text"},
        ]
        odd = [value_of(here, statuses=[]), value_of(here, errors=[{"code": 1}], future={"x": 1})]
        no_number = {"contacts": [{"profile": {"name": "Amina", "username": "@amina"}, "user_id": "US.13491208655302741918"}],
                     "messages": [{"from_user_id": "US.13491208655302741918", "id": f"wamid.bsuid.{n}", "timestamp": str(int(time.time())), "type": "text",
                                   "text": {"body": "I hide my number"}}]}  # fmt: skip
        failed = {
            "id": "wamid.x",
            "status": "failed",
            "timestamp": "1",
            "recipient_id": "49",
            "biz_opaque_callback_data": str(ours),
            "errors": [{"code": 131026}],
        }
        entries += [
            {"id": "1", "changes": [{"field": "messages", "value": value_of(here, messages=texts[:240])}, {"field": "weather", "value": {"rain": True}}]},
            {"id": "2", "changes": [{"field": "messages", "value": value_of(here, messages=[*strange, *texts[240:]])}, "nonsense"]},
            {"id": "3", "changes": [{"field": "messages", "value": value} for value in (value_of(here, **no_number), value_of(here, statuses=[failed]), *odd)]},
            "nonsense",
        ]  # fmt: skip
    assert await backstage.whatsapp_posts(json.dumps({"object": "whatsapp_business_account", "entry": entries, "extra": 1}).encode()) == 200

    for here, already in ((shop, 1), (neighbour, 0)):
        said = await backstage.stored(here, already + 482)
        assert sorted(one for one in said if one.startswith("number ")) == sorted(f"number {i}" for i in range(480))
        talks = await backstage.see(
            "select array_agg(text order by position) from public.messages where organization_id = %s and text like 'number %%' group by conversation_id",
            here.organization_id,
        )
        assert sorted(talk for (talk,) in talks) == sorted([f"number {i}" for i in range(first, 480, 100)] for first in range(100))
        assert "I hide my number" in said and any("hologram" in one for one in said) and len(said) == already + 482
        assert await backstage.used(here, "messages_received") == already + 482
    # four things for each number that nobody can tell are kept for the operator; nothing failed
    assert await backstage.see("select kind, count(*) from public.failed_deliveries group by kind") == [("other", 8)]
    rows = await backstage.see("select status from public.messages where id = %s", ours)
    assert rows == [("read",)]  # that it failed was said of another organization's message, or too late


async def test_whoever_hides_the_number_is_a_contact_and_is_written_to(shop: Shop, backstage: Backstage) -> None:
    body = {"to": shop.phone_number_id, "username": "@amina.okafor", "name": "Amina", "text": "Do you ship to Ghana?"}
    assert (await shop.door.post("inbound", json=body)).status_code == 202
    await backstage.stands(shop, "read")
    conversation = await shop.conversation("Amina")
    assert (await shop.writes(conversation, "Yes, within a week.")).status_code in (200, 303)
    await backstage.stands(shop, "read", "read")
    assert [message["text"] for message in await shop.phone("@amina.okafor")][-1] == "Yes, within a week."
    assert "Amina" in await shop.page("/dashboard/contacts?q=amina.okafor")
    rows = await backstage.see("select kind, contact_id is not null from public.contact_identities where organization_id = %s", shop.organization_id)
    assert rows == [("bsuid", True)]
    # the number becomes known later: still one contact, found by both
    ((bsuid,),) = await backstage.see("select value from public.contact_identities where organization_id = %s", shop.organization_id)
    shown = text("Here is my number", of="233201234567", name="Amina", from_user_id=bsuid)
    shown["contacts"][0]["user_id"] = bsuid
    assert await backstage.whatsapp_posts(webhook_of(shop, shown)) == 200
    await backstage.stored(shop, 2)
    assert await backstage.see("select count(*) from public.contacts where organization_id = %s", shop.organization_id) == [(1,)]
    assert len(await backstage.see("select from public.contact_identities where organization_id = %s", shop.organization_id)) == 2


def webhook_of(shop: Shop, value: dict[str, Any]) -> bytes:
    return webhook(shop, value)  # type: ignore[arg-type]  # it only asks for the number


async def test_a_failed_status_without_contacts_shows_on_the_message(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    await shop.faults(lose=True)
    conversation = await shop.conversation()
    await shop.writes(conversation, "See you")
    await backstage.stands(shop, "read", "accepted")
    ((ours,),) = await backstage.see("select id from public.messages where organization_id = %s and text = 'See you'", shop.organization_id)
    failed = status(ours, "failed", errors=[{"code": 131026, "title": "Message undeliverable", "error_data": {"details": "Not on WhatsApp."}}])
    assert await backstage.whatsapp_posts(webhook_of(shop, failed)) == 200
    await backstage.stands(shop, "read", "failed")
    assert "Not on WhatsApp." in await shop.page(conversation)


async def test_more_than_three_mebibytes_are_refused_however_they_are_sent(shop: Shop) -> None:
    async def slowly() -> Any:
        for _ in range(4):
            yield b" " * (LARGEST // 3)

    for content in (b" " * (LARGEST + 1), slowly()):
        answer = await shop.visitor.client.post("/webhooks/whatsapp", content=content)
        assert answer.status_code == 413
    assert (await shop.visitor.client.post("/webhooks/whatsapp", content=b" " * LARGEST)).status_code == 401
    assert await eventually(shop.page, "the product still there")
