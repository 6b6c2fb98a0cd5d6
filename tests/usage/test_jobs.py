"""Every hour and every night: the books are kept, limits are told once, drifts are found, and whoever is killed is followed by another."""

import asyncio
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from frontdesk.cli import commands
from frontdesk.usage import jobs, keep_books
from tests.conftest import Urls
from tests.usage.ledgers import allow, choose, consume, track, used
from tests.world import World, fold_received, text, webhook

FIGURES = "select metric, author, amount from usage_days where organization_id = %s order by 1, 2"
NOTICES = "select kind, facts from billing_notices where organization_id = %s order by created_at, kind"


async def test_an_hour_fills_the_ledger_and_the_figures(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hi")))
    await track(world, world.shop, 4, "ai_replies")
    await fold_received(world.owner)
    await jobs.hourly(world.database)
    await jobs.hourly(world.database)
    rows = await world.see("select metric, amount from usage_ledger where organization_id = %s order by 1", world.shop.organization_id)
    assert rows == [("ai_replies", 4), ("messages_received", 1), ("messages_sent", 1)]
    assert await world.see(FIGURES, world.shop.organization_id) == [
        ("ai_replies", "nobody", 4),
        ("messages_received", "contact", 1),
        ("messages_sent", "bot", 1),
    ]
    assert await world.see(FIGURES, world.neighbour.organization_id) == []


async def test_a_limit_that_is_near_or_reached_is_told_once_a_month(world: World) -> None:
    await allow(world, world.shop, messages_sent=10)
    for amount, told in ((7, []), (1, ["usage_nearly_full"]), (0, ["usage_nearly_full"]), (2, ["usage_nearly_full", "usage_full"])):
        if amount:
            assert await consume(world, world.shop, amount)
        await world.owner.execute("truncate private.clock_turns")
        await jobs.nightly(world.database)
        assert [kind for kind, _ in await world.see(NOTICES, world.shop.organization_id)] == told
    assert (await world.see(NOTICES, world.shop.organization_id))[1][1] == {
        "metric": "messages_sent", "used": 10, "allowed": 10, "beyond": False, "offered": False,
    }  # fmt: skip
    assert await world.see(NOTICES, world.neighbour.organization_id) == []


async def test_who_goes_beyond_is_told_when_the_cap_is_spent(world: World) -> None:
    await allow(world, world.shop, overage={"messages_sent": 1000}, messages_sent=10)
    await choose(world, world.shop, 3)
    assert await consume(world, world.shop, 11)
    await jobs.nightly(world.database)
    assert [(kind, facts["beyond"], facts["offered"]) for kind, facts in await world.see(NOTICES, world.shop.organization_id)] == [("usage_full", True, True)]
    assert await consume(world, world.shop, 2)
    await jobs.nightly(world.database)
    assert [kind for kind, _ in await world.see(NOTICES, world.shop.organization_id)] == ["usage_full", "overage_cap_reached"]


async def test_several_workers_share_an_hour(world: World) -> None:
    await track(world, world.shop, 4)
    stop = asyncio.Event()
    workers = [asyncio.create_task(keep_books(world.database, stop)) for _ in range(3)]
    async with asyncio.timeout(20):
        while not await world.see("select 1 from private.clock_turns where job = 'usage.night'"):
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*workers)
    assert await world.see("select sum(amount)::int, count(*) from usage_ledger where organization_id = %s", world.shop.organization_id) == [(4, 1)]
    assert sum((await used(world, world.shop, "messages_received")).values()) == 4


async def test_a_worker_that_is_killed_in_its_hour_leaves_nothing_half_done(world: World) -> None:
    await track(world, world.shop, 4)
    for pause in (0.0, 0.002, 0.01):
        killed = asyncio.create_task(jobs.hourly(world.database))
        await asyncio.sleep(pause)
        killed.cancel()
        with suppress(asyncio.CancelledError):
            await killed
    await jobs.hourly(world.database)
    assert await world.see("select sum(amount)::int from usage_ledger where organization_id = %s", world.shop.organization_id) == [(4,)]


def test_the_operator_counts_again(urls: Urls, tmp_path: Path) -> None:
    runner = CliRunner(env={"DATABASE_URL": urls.app, "FRONTDESK_DATA_DIR": str(tmp_path)})
    whole = runner.invoke(commands, ["usage", "recount"])
    assert (whole.exit_code, whole.stdout.strip()) == (0, "Every counter says what it counts.")
    asyncio.run(plant(urls))
    broken = runner.invoke(commands, ["usage", "recount"])
    assert broken.exit_code == 1
    assert "messages_sent" in broken.stdout


async def plant(urls: Urls) -> None:
    """An organization whose counter says more than it sent."""
    async with await psycopg.AsyncConnection.connect(urls.owner, autocommit=True) as owner:
        await owner.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'ada@example.com')")
        await owner.execute("update organization_usage set used = 3 where metric = 'messages_sent'")


@pytest.mark.parametrize(("last_count", "since", "at", "day"), [
    ("2026-11-28 00:10", "2026-11-28 00:01", "2026-11-28 00:20", "2026-11-28"),  # all of it was counted today
    ("2026-11-27 23:40", "2026-11-27 23:01", "2026-11-28 00:20", "2026-11-27"),  # all of it was counted yesterday
    ("2026-11-28 00:00", "2026-11-27 23:01", "2026-11-28 00:01", "2026-11-27"),  # an hour of yesterday and a minute of today
    ("2026-11-28 08:00", "2026-11-27 20:00", "2026-11-28 09:00", "2026-11-28"),  # four hours of yesterday and nine of today
    ("2026-11-20 08:00", "2026-11-20 07:00", "2026-11-28 09:00", "2026-11-20"),  # nobody kept the books for a week
    ("2026-11-28 09:00", "2026-11-28 08:01", "2026-11-28 09:01", "2026-11-28"),
])  # fmt: skip
async def test_an_entry_is_of_the_day_on_which_it_was_counted(world: World, last_count: str, since: str, at: str, day: str) -> None:
    ask = "select private.day_counted(%s::timestamp at time zone 'UTC', %s::timestamp at time zone 'UTC', %s::timestamp at time zone 'UTC')::text"
    assert await world.see(ask, last_count, since, at) == [(day,)]


async def test_what_was_counted_before_midnight_stands_under_its_day(world: World) -> None:
    await track(world, world.shop, 4, "ai_replies")
    await world.owner.execute("update organization_usage set updated_at = updated_at - interval '3 days' where metric = 'ai_replies'")
    await jobs.hourly(world.database)
    await track(world, world.shop, 5, "ai_replies")
    async with world.database.tenants([world.shop.organization_id]) as db:
        await db.run("select private.close_usage(%(o)s)", {"o": world.shop.organization_id})
    await jobs.nightly(world.database)
    days = "select (now() at time zone 'UTC')::date - day, amount from usage_days where organization_id = %s order by 1"
    assert await world.see(days, world.shop.organization_id) == [(0, 5), (3, 4)]
