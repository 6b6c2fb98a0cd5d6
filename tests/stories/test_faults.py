"""What can go wrong between Frontdesk and WhatsApp: nothing is sent twice, nothing vanishes, and what is not known is said."""

import pytest

from tests.product import Shop, eventually
from tests.stories.conftest import Backstage

Fault = dict[str, object]


async def greeted(shop: Shop, backstage: Backstage, **faults: object) -> str:
    """A conversation in which all went well so far; from now on it does not. Returns its path."""
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    await shop.faults(**faults)
    return await shop.conversation()


@pytest.mark.parametrize(
    "faults",
    [
        {"answer_429": {"count": 2}},
        {"answer_500": {"count": 1}},
        {"slow": {"seconds": 2, "count": 1}},
        {"reset_after": {"count": 1}},
        {"early_statuses": True},
        {"reorder": True},
        {"duplicate": True},
        {"drop": {"seconds": 0.5}},
        {"delay": {"seconds": 0.5}},
        {"slow": {"seconds": 1, "count": 1}, "reset_after": {"count": 1}, "early_statuses": True},
    ],
    ids=" and ".join,
)
async def test_what_whatsapp_takes_in_the_end_arrives_once_and_is_known(shop: Shop, backstage: Backstage, faults: Fault) -> None:
    conversation = await greeted(shop, backstage, **faults)
    await shop.writes(conversation, "See you tomorrow")
    await backstage.stands(shop, "read", "read")
    assert [message["text"] for message in await shop.phone()].count("See you tomorrow") == 1
    assert await backstage.used(shop, "messages_sent") == 2


@pytest.mark.parametrize(("faults", "arrived"), [({"reset_before": True}, 0), ({"answer_502": True}, 0), ({"reset_after": True, "lose": True}, 1)],
                         ids=["reset before", "no explanation", "reset after, statuses lost"])  # fmt: skip
async def test_what_nobody_knows_stands_as_unknown_and_is_never_sent_again_by_itself(shop: Shop, backstage: Backstage, faults: Fault, arrived: int) -> None:
    conversation = await greeted(shop, backstage, **faults)
    await shop.writes(conversation, "See you tomorrow")

    async def spoken() -> bool:
        rows = await backstage.see("select id from public.outbox where organization_id = %s and claimed_at is not null", shop.organization_id)
        return any(f"fate is unknown until its status arrives message={id_}" in backstage.product.said() for (id_,) in rows)

    await eventually(spoken, "the attempt")
    await backstage.stands(shop, "read", "queued")
    await backstage.two_minutes_pass(shop)
    await backstage.stands(shop, "read", "unknown")
    assert [message["text"] for message in await shop.phone()].count("See you tomorrow") == arrived
    assert await backstage.see("select 1 from public.outbox where organization_id = %s", shop.organization_id) == []
    page = await shop.page(conversation)
    assert "It is not known whether this was sent." in page

    await shop.faults()
    repeat = page.split('action="' + conversation + "/messages/")[1].split('"')[0]
    await shop.visitor.send(f"{conversation}/messages/{repeat}", page=conversation)
    await backstage.stands(shop, "read", "unknown", "read")
    assert [message["text"] for message in await shop.phone()].count("See you tomorrow") == arrived + 1


async def test_without_any_status_a_message_stays_accepted(shop: Shop, backstage: Backstage) -> None:
    conversation = await greeted(shop, backstage, lose=True)
    await shop.writes(conversation, "See you tomorrow")
    await backstage.stands(shop, "read", "accepted")
    await backstage.two_minutes_pass(shop)
    await backstage.stands(shop, "read", "accepted")
    assert len(await shop.phone()) == 2


@pytest.mark.parametrize(("number", "status", "words"), [("+4915115550026", "failed", "undeliverable"), ("+4915115550047", "failed", "24 hours")],
                         ids=["undeliverable", "window"])  # fmt: skip
async def test_what_whatsapp_refuses_for_good_is_shown_with_its_reason(shop: Shop, backstage: Backstage, number: str, status: str, words: str) -> None:
    await shop.hears("hi", of=number, name="Ada")
    await backstage.stands(shop, status)
    assert words in (await shop.page(await shop.conversation("Ada"))).lower()
