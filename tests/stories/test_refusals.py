"""What is not sent, and why; and that it is stored all the same."""

import re
import time

from tests.product import LENA, Shop
from tests.stories.conftest import Backstage


async def test_after_24_hours_the_composer_refuses_and_a_form_that_was_open_keeps_what_was_typed(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hi", timestamp=time.time() - 23.99 * 3600)
    await backstage.stands(shop, "read")
    conversation = await shop.conversation()
    page = await shop.page(conversation)
    assert 'name="text"' in page
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    await backstage.owner.execute(
        "update public.conversations set last_inbound_at = last_inbound_at - interval '2 minutes' where organization_id = %s", (shop.organization_id,)
    )
    refused = await shop.visitor.post(f"{conversation}/messages", fields | {"text": "Are you still there?"})
    assert refused.status_code == 409
    assert "more than 24 hours old" in refused.text and "Are you still there?" in refused.text
    closed = await shop.page(conversation)
    assert "more than 24 hours old" in closed and 'name="text"' not in closed
    assert len(await shop.phone()) == 1


async def test_a_message_that_is_a_day_old_when_it_arrives_is_stored_and_not_answered(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hello from yesterday", timestamp=time.time() - 25 * 3600)
    assert await backstage.stored(shop, 1) == ["hello from yesterday"]
    await shop.hears("hi", of="+4915199911122", name="Ada")
    await backstage.stands(shop, "read")
    assert await shop.phone() == []


async def test_a_blocked_contact_is_stored_and_not_answered(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    thread = await shop.page(await shop.conversation())
    contact = re.search(r"/dashboard/contacts/[0-9a-f-]{36}", thread)
    assert contact
    assert (await shop.visitor.send(f"{contact[0]}/block", page=contact[0])).status_code == 303
    await backstage.owner.execute("update public.auto_replies set trigger = 'fallback' where organization_id = %s", (shop.organization_id,))
    await shop.hears("and again")
    await shop.hears("hi", of="+4915199911122", name="Ada")
    await backstage.stands(shop, "read", "read")
    assert sorted(await backstage.stored(shop, 3)) == ["and again", "hi", "hi"]
    assert len(await shop.phone()) == 1
    refused = await shop.visitor.send(f"{await shop.conversation()}/messages", page="/dashboard/inbox", text="Go away")
    assert refused.status_code == 409 and "blocked" in refused.text


async def test_over_the_plan_inbound_is_stored_and_the_answer_stands_there_with_the_reason(shop: Shop, backstage: Backstage) -> None:
    await backstage.owner.execute(
        "insert into public.organization_usage (organization_id, metric, period_start, used) values (%s, 'messages_sent', private.usage_period(), 5000)"
        " on conflict (organization_id, metric, period_start) do update set used = 5000",
        (shop.organization_id,),
    )
    await shop.hears("hi")
    await backstage.stands(shop, "failed")
    assert await backstage.stored(shop, 1) == ["hi"]
    conversation = await shop.conversation()
    assert "messages of your plan are used up" in await shop.page(conversation)
    await shop.writes(conversation, "Hello?")
    await backstage.stands(shop, "failed", "failed")
    assert await shop.phone(LENA) == []
    assert (await backstage.used(shop, "messages_sent"), await backstage.used(shop, "messages_received")) == (5000, 1)
