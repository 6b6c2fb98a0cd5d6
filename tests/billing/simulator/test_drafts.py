"""A draft lasts an hour from when everybody has taken that it is there, and three days where somebody does not."""

import asyncio
from typing import Any

import pytest

from frontdesk.billing.simulator import faults
from frontdesk.billing.simulator.agenda import tasks
from frontdesk.billing.simulator.clock import coming, step
from frontdesk.billing.simulator.periods import DAY, HOUR
from tests.billing.simulator.market import customer, fresh, now, subscribe
from tests.billing.simulator.stage import Stage

DRAFT = "draft becomes an invoice"


async def renewed(stage: Stage, *, failing: str = "") -> Any:
    """The draft of a renewal. failing: whether webhooks are `refused` or `lost` by then."""
    made = await subscribe(stage, "starter")
    await stage.quiet()
    if failing == "lost":
        await stage.account.do(lambda world: faults.put(world, faults.parse({"drop": True})))
    elif failing:
        stage.ear.answers += [500] * 500
    end = (await fresh(stage, made))["items"].data[0].current_period_end
    while (one := await stage.account.do(lambda world: step(world, end))) is not None and one.what != "renewal":
        pass
    (draft,) = (await stage.v1.invoices.list_async({"customer": made.customer, "status": "draft"})).data
    while failing and not await stage.account.do(lambda world: _was_tried(world, draft.id)):
        await asyncio.sleep(0.01)
    return draft


def _was_tried(world: Any, invoice: str) -> bool:
    event = next(one for one in world.find("event", type="invoice.created") if one["data"]["object"]["id"] == invoice)
    return bool(world.db.execute("select tries > 0 or settled_at is not null as so from deliveries where event = ?", (event["id"],)).fetchone()["so"])


async def ends(stage: Stage, *, waits: bool = True) -> int:
    """When the draft becomes an invoice, as it stands."""
    found = await stage.account.do(lambda world: [one.at for one in tasks(world, waits=waits) if one.what == DRAFT])
    return int(found[0])


async def test_whoever_has_taken_it_has_an_hour(stage: Stage) -> None:
    draft = await renewed(stage)
    await stage.quiet()
    heard = (await stage.v1.invoices.retrieve_async(draft.id)).webhooks_delivered_at
    assert (heard, await ends(stage)) == (draft.created, draft.created + HOUR)


async def test_where_nobody_listens_it_is_as_good_as_heard(stage: Stage) -> None:
    await stage.account.do(lambda world: world.put(world.find("webhook_endpoint")[0] | {"status": "disabled"}))
    who = await customer(stage)
    await stage.v1.invoice_items.create_async({"customer": who, "amount": 500, "currency": "eur"})
    draft = await stage.v1.invoices.create_async({"customer": who, "auto_advance": True, "pending_invoice_items_behavior": "include"})
    assert (draft.webhooks_delivered_at, await ends(stage)) == (draft.created, draft.created + HOUR)


@pytest.mark.parametrize("failing", ["refused", "lost"])
async def test_while_it_is_not_taken_it_waits_for_three_days_and_no_longer(stage: Stage, failing: str) -> None:
    draft = await renewed(stage, failing=failing)
    latest = draft.created + 3 * DAY
    assert (draft.webhooks_delivered_at, await ends(stage), await ends(stage, waits=False)) == (None, latest, draft.created + HOUR)
    assert await stage.account.do(lambda world: coming(world, latest - 1, waits=True)) is None
    happened = []
    while (one := await stage.account.do(lambda world: step(world, latest, waits=True))) is not None:
        happened.append(one.what)
    assert happened == [DRAFT]
    assert (await stage.v1.invoices.retrieve_async(draft.id)).status == "paid"


async def test_once_it_is_taken_after_all_its_hour_begins(stage: Stage) -> None:
    draft = await renewed(stage, failing="refused")
    await stage.account.do(lambda world: world.advance(10 * HOUR))
    stage.ear.answers.clear()
    await stage.quiet()
    heard = (await stage.v1.invoices.retrieve_async(draft.id)).webhooks_delivered_at
    assert draft.created + 10 * HOUR <= heard <= await now(stage)
    assert await ends(stage) == heard + HOUR
