"""Credit whose payment was paid back: taken once whoever looks, as far as it is not spent, and never twice from what is bought later."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from frontdesk import usage
from frontdesk.billing.credit import start_purchase
from frontdesk.billing.refunds import shares, take_back
from frontdesk.database import new_id
from frontdesk.settings import Settings
from tests.api.desk import opened as api_opened
from tests.billing.till import Till
from tests.usage.ledgers import choose, consume

BOOKED = "select amount::int from usage_credits where organization_id = %s order by created_at, source_id"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"overage_billing": "prepaid"})


async def bought(till: Till, amount: int = 1000) -> Any:
    """A pack that is paid: its session."""
    session_id = (await start_purchase(till.money, till.at(), amount, str(new_id()))).rsplit("/", 1)[1]
    await till.pay(session_id)
    await till.hear()
    return await till.stage.v1.checkout.sessions.retrieve_async(session_id)


async def refund(till: Till, session: Any, **more: Any) -> str:
    """Pay back what this session was paid with; the charge."""
    made = await till.stage.v1.refunds.create_async({"payment_intent": session.payment_intent, **more})
    return str(made.charge)


async def booked(till: Till) -> list[int]:
    return [amount for (amount,) in await till.world.see(BOOKED, till.world.shop.organization_id)]


def refunds(*amounts: int, status: str = "succeeded") -> list[dict[str, Any]]:
    return [{"id": f"re_{place}", "amount": amount, "status": status, "created": place} for place, amount in enumerate(amounts)]


@pytest.mark.parametrize(
    ("given", "subtotal", "total", "taken"),
    [
        (refunds(1000), 1000, 1000, [1000]),
        (refunds(400, 600), 1000, 1000, [400, 600]),
        (refunds(1190), 1000, 1190, [1000]),  # VAT is no credit
        (refunds(397, 397, 396), 1000, 1190, [333, 334, 333]),
        (refunds(1, 1), 1000, 1190, [0, 1]),
        (refunds(1000, status="failed") + refunds(500), 1000, 1000, [500]),
        (refunds(900, 900), 1000, 1000, [900, 100]),
        ([], 1000, 1000, []),
    ],
)  # fmt: skip
def test_each_refund_takes_its_part_and_all_of_them_no_more_than_was_bought(given: Sequence[Any], subtotal: int, total: int, taken: list[int]) -> None:
    assert [share for _, share in shares(given, subtotal, total)] == taken


async def test_what_is_paid_back_is_taken_back_once_whatever_is_replayed(till: Till) -> None:
    await usage.bill_by(till.world.database, "prepaid")
    await till.buy()
    session = await bought(till)
    charge = await refund(till, session, amount=400)
    await till.hear()
    assert await booked(till) == [1000, -400]
    await till.world.owner.execute("update billing_events set handled_at = null, next_try_at = now() where type = 'charge.refunded'")
    await asyncio.gather(till.hear(), *(take_back(till.money, till.world.shop.organization_id, charge) for _ in range(3)))
    assert await booked(till) == [1000, -400]
    await refund(till, session)  # the rest
    await till.hear()
    assert await booked(till) == [1000, -400, -600]
    assert [(one["amount"], one["refunded"]) for one in await till.log("credit.taken_back")] == [("4.00 EUR", "4.00 EUR"), ("6.00 EUR", "6.00 EUR")]


async def test_what_is_spent_stays_spent_and_what_is_bought_later_is_left_alone(till: Till, capfd: pytest.CaptureFixture[str]) -> None:
    shop = till.world.shop
    await usage.bill_by(till.world.database, "prepaid")
    await till.buy()
    await choose(till.world, shop, 100_00)
    first = await bought(till)
    assert await consume(till.world, shop, 5300)  # €2.70 of the €10
    await refund(till, first)
    await till.hear()
    assert await booked(till) == [1000, -730]
    assert not await consume(till.world, shop, 1)
    assert [(one["amount"], one["refunded"]) for one in await till.log("credit.taken_back")] == [("7.30 EUR", "10.00 EUR")]
    second = await bought(till)
    await till.world.owner.execute("update billing_events set handled_at = null, next_try_at = now() where type = 'charge.refunded'")
    await till.hear()
    assert await booked(till) == [1000, -730, 1000]
    assert await consume(till.world, shop, 1000)
    await refund(till, second)
    await till.hear()
    assert sum(await booked(till)) == 1170 - 900 + 900  # spent and owed: 13 times 90 cents; less than a cent stays


async def test_a_refund_that_is_heard_before_the_purchase_books_both(till: Till) -> None:
    await till.buy()
    till.gate.shut = True
    session_id = (await start_purchase(till.money, till.at(), 1000, "x")).rsplit("/", 1)[1]
    await till.pay(session_id)
    charge = await refund(till, await till.stage.v1.checkout.sessions.retrieve_async(session_id), amount=250)
    await take_back(till.money, till.world.shop.organization_id, charge)
    assert await booked(till) == [1000, -250]


async def test_refunds_of_anything_else_and_of_the_neighbours_take_nothing(till: Till) -> None:
    await till.buy()
    session = await bought(till)
    plan = (await till.stage.v1.charges.list_async({"customer": session.customer})).data[-1]
    await till.stage.v1.refunds.create_async({"charge": plan.id})
    await till.hear()
    assert await booked(till) == [1000]
    charge = await refund(till, session, amount=100)
    await till.buy(shop=till.world.neighbour)  # the shop's refund is heard on the way
    await take_back(till.money, till.world.neighbour.organization_id, charge)
    assert await booked(till) == [1000, -100]
    assert await till.world.see("select from usage_credits where organization_id = %s", till.world.neighbour.organization_id) == []


async def test_a_pack_is_an_invoice_with_its_pdf_and_programs_read_what_is_left(till: Till, settings: Settings) -> None:
    await till.buy()
    session = await bought(till, 5000)
    found = await till.world.see("select number is not null, status, total::int, invoice_pdf is not null from invoices where id = %s", session.invoice)
    assert found == [(True, "paid", 5000, True)]
    async with api_opened(settings, till.world) as product, await product.program() as program:
        assert (await program.get("/subscription")).json()["credit"] == {"currency": "EUR", "balance": 5000, "owed": 0, "left": 5000}
        assert session.invoice in [one["id"] for one in (await program.get("/invoices")).json()["data"]]


async def test_a_refund_that_does_not_come_about_gives_the_credit_back_once(till: Till) -> None:
    await till.buy()
    session = await bought(till)
    charge = await refund(till, session, amount=400)
    await till.hear()
    (made,) = (await till.stage.v1.refunds.list_async({"charge": charge})).data

    def fail(world: Any) -> None:
        world.emit("refund.failed", world.put(world.get(made.id) | {"status": "failed", "failure_reason": "expired_or_canceled_card"}))

    await till.do(fail)
    await till.hear()
    await take_back(till.money, till.world.shop.organization_id, charge)
    assert await booked(till) == [1000, -400, 400]
    assert [one["amount"] for one in await till.log("credit.given_back")] == ["4.00 EUR"]
