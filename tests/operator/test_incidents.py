"""A counter that differs from what it counts stands among the incidents until it is mended, whatever else is counted meanwhile."""

import asyncio
from datetime import date
from typing import Any

import pytest

from frontdesk.operator.incidents.store import mend as mend_counter
from tests.operator.conftest import Console
from tests.operator.crowd import crowd
from tests.operator.test_isolation import session_of
from tests.world import World, text, webhook

RECOUNT = "select metric from private.recount_usage(%(id)s)"
PERIOD = "select private.usage_period(%s)"


async def planted(console: Console, metric: str = "messages_received", by: int = 3) -> date:
    """A counter that says more than there is; the period that it counts."""
    ((period,),) = await console.see(PERIOD, console.shop_id)
    await console.see(
        "insert into organization_usage as u (organization_id, metric, period_start, used) values (%s, %s, %s, %s)"
        " on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used returning used",
        console.shop_id, metric, period, by,
    )  # fmt: skip
    await console.database.call(RECOUNT, {"id": console.shop_id})
    return date.fromisoformat(str(period))


async def mend(console: Console, period: date, metric: str = "messages_received") -> Any:
    return await console.act(f"/operator/incidents/drifts/{console.shop_id}", metric=metric, period_start=str(period))


async def counter(console: Console, metric: str = "messages_received") -> list[Any]:
    return await console.see("select used, rolled_up from organization_usage where organization_id = %s and metric = %s", console.shop_id, metric)


async def test_a_counter_that_differs_is_told_mended_and_gone(console: Console) -> None:
    period = await planted(console)
    page = (await console.operator.get("/operator/incidents")).text
    assert "Counters differ from what they count" in page and "Lagos Glow Salon" in page and "Messages received" in page and "are shown" not in page
    assert (await mend(console, period)).headers["location"] == "/operator/incidents"
    assert await counter(console) == [(0, 0)]
    assert (await console.logged())[0][:2] == ("operator", "usage.mended")
    ((details,),) = await console.see("select details from private.operator_entries where action = 'usage.mended'")
    assert details["changed"] == {"messages_received": {"from": 3, "to": 0}}
    page = (await console.operator.get("/operator/incidents")).text
    assert "Counters differ" not in page and "All is well" in page
    log = (await console.operator.get("/operator/log")).text
    assert "set the counter of <bdi>messages received</bdi> from <bdi>3</bdi> to <bdi>0</bdi>" in log
    assert (await mend(console, period)).status_code == 404  # sent twice, or by two operators


async def test_what_is_counted_meanwhile_stays_and_two_operators_mend_once(console: Console) -> None:
    """Both wait for whoever is counting; the second finds nothing to do."""
    period = await planted(console)
    await console.owner.execute("begin")
    await console.owner.execute("update organization_usage set used = used + 0 where organization_id = %s", (console.shop_id,))
    both = [asyncio.create_task(mend(console, period)) for _ in range(2)]
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    while await console.see(waits) == [(0,)]:
        await asyncio.sleep(0.01)
    await console.owner.execute("commit")
    assert sorted([answer.status_code for answer in await asyncio.gather(*both)]) == [303, 404]
    assert await counter(console) == [(0, 0)]


async def test_a_counter_that_agrees_by_now_is_left_alone(console: Console) -> None:
    period = await planted(console)
    await console.owner.execute("update organization_usage set used = 0 where organization_id = %s", (console.shop_id,))
    await mend(console, period)
    assert await counter(console) == [(0, 0)] and "usage.mended" not in [line[1] for line in await console.logged()]
    assert "Counters differ" not in (await console.operator.get("/operator/incidents")).text


async def test_where_the_ledger_lacks_an_entry_the_next_hour_writes_it(console: Console) -> None:
    period = await planted(console, "api_requests", 7)
    await console.owner.execute("update organization_usage set rolled_up = 7 where organization_id = %s and metric = 'api_requests'", (console.shop_id,))
    await console.database.call(RECOUNT, {"id": console.shop_id})
    await mend(console, period, "api_requests")
    assert await counter(console, "api_requests") == [(7, 0)]
    await console.database.call("select private.roll_up_usage('00000000-0000-0000-0000-000000000000', 10)")
    assert await console.see("select amount from usage_ledger where metric = 'api_requests'") == [(7,)]
    await console.database.call(RECOUNT, {"id": console.shop_id})
    assert "Counters differ" not in (await console.operator.get("/operator/incidents")).text


@pytest.mark.parametrize("sent", [{"metric": "bananas", "period_start": "2026-01-01"}, {"metric": "messages_sent", "period_start": "soon"}, {}])
async def test_nonsense_mends_nothing(console: Console, sent: dict[str, str]) -> None:
    await planted(console)
    assert (await console.act(f"/operator/incidents/drifts/{console.shop_id}", **sent)).status_code == 404
    assert await counter(console) == [(3, 0)]


async def test_a_counter_is_mended_while_messages_arrive_and_are_answered(world: World) -> None:
    """Whoever is counting waits for the mending, or the mending for him: at the end the counter says what there is."""
    shop, mark = world.shop.organization_id, {"id": world.shop.organization_id}
    session, period = await session_of(world), (await world.see(PERIOD, shop))[0][0]
    await world.arrive(world.shop, webhook(world.shop, text("the first")))
    await world.owner.execute("update organization_usage set used = used + 5 where organization_id = %s", (shop,))
    assert len(await world.database.call(RECOUNT, mark)) == 2

    async def mended(metric: str) -> None:
        async with world.database.console(session, world.shop.actor) as db:
            assert (await mend_counter(db, shop, metric, period))["outcome"] == "mended"

    async def arriving() -> None:
        for number in range(12):
            await world.arrive(world.shop, webhook(world.shop, text(f"number {number}")))

    await asyncio.gather(arriving(), mended("messages_received"), mended("messages_sent"))
    assert await world.database.call(RECOUNT, mark) == []


async def test_more_counters_than_a_page_shows_are_told_of(console: Console) -> None:
    await crowd(console.owner, 60)
    await console.owner.execute(
        "insert into private.usage_drifts (organization_id, metric, period_start, counted, recounted)"
        " select id, metric, date_trunc('month', now())::date, 2, 1 from organizations, unnest(array['messages_sent', 'api_requests']) as metric"
    )
    page = (await console.operator.get("/operator/incidents")).text
    assert page.count('name="period_start"') == 100 and "The newest 100 are shown" in page
