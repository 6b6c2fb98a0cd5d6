"""An organization's months begin with its own day: at month ends, in leap years, and for what was counted before the day was known."""

from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.database import batch
from tests.conftest import Urls
from tests.usage.ledgers import track, used, work
from tests.world import World, text, webhook

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
CASES = [
    # anchor, day, started, ends
    (None, date(2026, 2, 14), date(2026, 2, 1), date(2026, 3, 1)),
    (date(2026, 1, 31), date(2026, 1, 31), date(2026, 1, 31), date(2026, 2, 28)),
    (date(2026, 1, 31), date(2026, 2, 27), date(2026, 1, 31), date(2026, 2, 28)),
    (date(2026, 1, 31), date(2026, 2, 28), date(2026, 2, 28), date(2026, 3, 31)),
    (date(2026, 1, 31), date(2026, 3, 30), date(2026, 2, 28), date(2026, 3, 31)),
    (date(2026, 1, 31), date(2026, 3, 31), date(2026, 3, 31), date(2026, 4, 30)),
    (date(2026, 1, 31), date(2028, 2, 29), date(2028, 2, 29), date(2028, 3, 31)),
    (date(2026, 1, 30), date(2028, 2, 29), date(2028, 2, 29), date(2028, 3, 30)),
    (date(2024, 2, 29), date(2025, 2, 28), date(2025, 2, 28), date(2025, 3, 29)),
    (date(2026, 12, 11), date(2026, 12, 5), date(2026, 11, 11), date(2026, 12, 11)),  # before its first: a trial that ends later
    (date(2026, 5, 15), date(2027, 1, 2), date(2026, 12, 15), date(2027, 1, 15)),
]


@pytest.mark.parametrize(("anchor", "day", "started", "ends"), CASES)
async def test_a_month_begins_with_the_anchors_day_or_the_last_there_is(
    owner: psycopg.AsyncConnection[object], anchor: date | None, day: date, started: date, ends: date
) -> None:
    cursor = await owner.execute("select s, private.period_end(%(a)s::date, s) from private.period_start(%(a)s::date, %(d)s) as s", {"a": anchor, "d": day})
    assert await cursor.fetchone() == (started, ends)


@pytest.fixture
def asked(urls: Urls) -> psycopg.Connection[tuple[date, date]]:
    return psycopg.connect(urls.owner, autocommit=True)


def test_every_day_is_in_one_month_and_months_follow_each_other(asked: psycopg.Connection[tuple[date, date]]) -> None:
    @given(DAYS, DAYS)
    def holds(anchor: date, day: date) -> None:
        row = asked.execute(
            "select s, e, private.period_start(%(a)s, e), private.period_start(%(a)s, e - 1)"
            " from private.period_start(%(a)s, %(d)s) as s, private.period_end(%(a)s, s) as e", {"a": anchor, "d": day},
        ).fetchone()  # fmt: skip
        assert row is not None
        started, ends, next_started, still = row
        assert started <= day < ends
        assert (next_started, still) == (ends, started)
        assert timedelta(days=28) <= ends - started <= timedelta(days=31)

    holds()
    asked.close()


def anchored(today: date, back: int) -> date:
    """A day some days ago, whose month is the present one."""
    return today - timedelta(days=back)


async def test_counting_goes_on_in_the_organizations_own_month(world: World) -> None:
    ((today,),) = await world.see("select (now() at time zone 'UTC')::date")
    anchor = anchored(today, 3)
    await world.owner.execute("update subscriptions set usage_anchor = %s where organization_id = %s", (anchor, world.shop.organization_id))
    await track(world, world.shop, 2)
    async with world.database.tenants([world.shop.organization_id, world.neighbour.organization_id]) as db:
        rows = batch([{"organization_id": shop.organization_id, "amount": 1} for shop in (world.shop, world.neighbour)])
        await db.run("select private.track_usage_of_many('messages_received', %(rows)s)", {"rows": rows})
        granted = await db.rows("select organization_id, granted from private.consume_usage_of_many('messages_sent', %(rows)s)", {"rows": rows})
    assert sorted(row["granted"] for row in granted) == [1, 1]
    assert await used(world, world.shop, "messages_received") == {anchor: 3}
    assert await used(world, world.shop) == {anchor: 1}
    assert await used(world, world.neighbour) == {today.replace(day=1): 1}


async def test_what_was_counted_before_the_anchor_was_set_is_where_it_belongs(world: World) -> None:
    ((today, first),) = await world.see("select (now() at time zone 'UTC')::date, private.usage_period()")
    await world.arrive(world.shop, *[webhook(world.shop, text(f"number {n}")) for n in range(5)])
    await world.owner.execute("update messages set created_at = created_at - interval '3 days' where text in ('number 0', 'number 1')")
    await track(world, world.shop, 7, "ai_replies")
    assert await used(world, world.shop, "messages_received") == {first: 5}
    anchor = anchored(today, 2)
    assert await work(world, world.shop, "select private.anchor_usage(%(o)s, %(a)s)", a=anchor) == anchor
    expected = {first: 2, anchor: 3} if anchor != first else {first: 5}
    assert await used(world, world.shop, "messages_received") == expected
    assert await used(world, world.shop, "ai_replies") == {anchor: 7}
    # again, nothing happens; and back, everything is in one month again
    assert await work(world, world.shop, "select private.anchor_usage(%(o)s, %(a)s)", a=anchor) == anchor
    assert await used(world, world.shop, "messages_received") == expected
    await world.owner.execute("update messages set created_at = now() where direction = 'in'")
    await work(world, world.shop, "select private.anchor_usage(%(o)s, %(a)s)", a=first)
    assert await used(world, world.shop, "messages_received") == {first: 5}
    assert await used(world, world.neighbour, "messages_received") == {}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles"])
async def test_months_and_days_of_grace_know_no_summer_time(owner: psycopg.AsyncConnection[object], zone: str) -> None:
    await owner.execute("select set_config('timezone', %s, false)", (zone,))
    cursor = await owner.execute("select private.usage_period() = private.period_start(null, (now() at time zone 'UTC')::date)")
    assert await cursor.fetchone() == (True,)
    for since in ("2026-03-25 12:00Z", "2026-10-20 12:00Z", "2026-01-31 23:30Z"):  # clocks are turned in the week after
        cursor = await owner.execute(
            "select private.access_of('past_due', s, null, true, s + make_interval(secs => 8 * 86400 - 1)),"
            " private.access_of('past_due', s, null, true, s + make_interval(secs => 8 * 86400)),"
            " private.access_of('past_due', s, null, true, s + make_interval(secs => 22 * 86400)) from (select %s::timestamptz as s) as it", (since,),
        )  # fmt: skip
        assert await cursor.fetchone() == ("grace_full", "grace_limited", "read_only")
