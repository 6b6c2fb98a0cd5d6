"""The meters at Stripe as they should be where what goes beyond plans is billed by them."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from frontdesk.billing import catalogue
from frontdesk.billing.metering import meter_steps, sold_beyond
from frontdesk.billing.overage import bill_what_is_due
from frontdesk.billing.records import Plan
from frontdesk.settings import Settings
from tests.billing.till import Till, opened
from tests.usage.ledgers import age, choose, consume
from tests.world import World

METER = {
    "id": "mtr_1", "event_name": "frontdesk_messages_sent", "status": "active", "default_aggregation": {"formula": "sum"},
    "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"}, "value_settings": {"event_payload_key": "value"},
}  # fmt: skip


def steps(*found: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(step.kind, step.id) for step in meter_steps(["messages_sent"], found)]


def test_each_metric_that_is_sold_beyond_a_plan_has_one_meter_that_adds_up() -> None:
    plans = [Plan("a", "A", "", "EUR", 0, 0, {}, {}, {"messages_sent": 400, "campaigns": 0}), Plan("b", "B", "", "EUR", 0, 0, {}, {}, {"ai_replies": 5})]
    assert sold_beyond(plans) == ["ai_replies", "messages_sent"]
    assert steps(METER) == []
    assert steps() == [("meter", None)]


@pytest.mark.parametrize(
    "other",
    [
        {"default_aggregation": {"formula": "count"}}, {"customer_mapping": {"type": "by_id", "event_payload_key": "whose"}},
        {"value_settings": {"event_payload_key": "how_much"}},
    ],
)  # fmt: skip
def test_one_that_counts_otherwise_never_changes_and_is_left_to_a_human(other: dict[str, Any]) -> None:
    assert steps(METER | other) == [("look", None)]
    assert steps(METER | other | {"status": "inactive"}) == [("meter", None)]


def test_one_that_was_switched_off_is_switched_on() -> None:
    assert steps(METER | {"status": "inactive"}) == [("meter", "mtr_1")]


async def test_they_are_made_by_the_command_and_count_what_went_beyond(world: World, settings: Settings) -> None:
    async with opened(world, settings.model_copy(update={"overage_billing": "meters"})) as till:
        made = [step for step in await catalogue.compare(till.money) if step.kind == "meter"]
        assert [step.said for step in made] == ["meter frontdesk_messages_sent: a new one"]
        assert await catalogue.apply(till.money, await catalogue.compare(till.money)) == []
        assert await catalogue.compare(till.money) == []
        await till.buy()
        await choose(world, world.shop, 100_00)
        assert await consume(world, world.shop, 5300)
        await age(world, world.shop)
        assert await bill_what_is_due(till.money)
        assert not await bill_what_is_due(till.money)
        assert await world.see("select biller, units::int from usage_overage") == [("meters", 300)]
        assert await till.do(lambda one: one.find("invoiceitem")) == []
        (meter,) = (await till.stage.v1.billing.meters.list_async()).data
        await till.stage.v1.billing.meters.deactivate_async(meter.id)
        assert [(step.kind, step.id) for step in await catalogue.compare(till.money)] == [("meter", meter.id)]
        await catalogue.apply(till.money, await catalogue.compare(till.money))
        assert await catalogue.compare(till.money) == []


async def test_what_a_meter_could_not_count_is_said_in_the_log_once_it_is_heard(till: Till) -> None:
    await till.money.v1.billing.meters.create_async({"display_name": "Sent", "event_name": "sent", "default_aggregation": {"formula": "sum"}})
    await till.money.v1.billing.meter_events.create_async({"event_name": "sent", "payload": {"stripe_customer_id": "cus_nobody", "value": "3"}})
    with capture_logs() as said:
        await till.hear()
    (line,) = [one for one in said if one["event"] == "Stripe could not count usage that it was told"]
    assert (line["log_level"], line["events"], line["why"]) == ("error", 1, ["No such customer: cus_nobody."])
    heard = await till.world.see("select organization_id, handled_at is not null from billing_events where type like 'v1.%%'")
    assert heard == [(None, True)]
