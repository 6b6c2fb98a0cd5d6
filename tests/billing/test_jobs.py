"""The worker's part, as it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from frontdesk.billing import Bookkeeper, jobs
from tests.billing.till import PROFESSIONAL, STARTER, Till

PATIENCE = 20.0  # seconds


@asynccontextmanager
async def working(till: Till, told: list[UUID]) -> AsyncIterator[Bookkeeper]:
    stop, books = asyncio.Event(), Bookkeeper(till.money, told.append)
    task = asyncio.create_task(books.run(stop))
    try:
        yield books
    finally:
        stop.set()
        await task


async def until(condition: object) -> None:
    """Wait until the pages are told."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.05)


async def test_what_arrives_is_handled_at_once_and_the_pages_are_told(till: Till) -> None:
    told: list[UUID] = []
    shop, neighbour = till.world.shop, till.world.neighbour
    async with working(till, told) as books:
        for one, key in ((shop, PROFESSIONAL), (neighbour, STARTER)):
            await till.pay(await till.go(key, one))
        await till.stage.quiet()
        books.look()
        await until(lambda: {shop.organization_id, neighbour.organization_id} <= set(told))
    assert [(await till.row(one))[:2] for one in (shop, neighbour)] == [("active", "professional"), ("active", "starter")]


async def test_what_was_not_heard_is_asked_for_by_itself(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_LOOK", 0.0)
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.1)
    told: list[UUID] = []
    till.gate.shut = True
    await till.pay(await till.go(PROFESSIONAL))
    async with working(till, told):
        await until(lambda: told)
    assert (await till.row())[:2] == ("active", "professional")


async def test_it_goes_on_after_stripe_was_away_and_asks_again_sooner_than_usual(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_LOOK", 0.0)
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.1)
    await till.chaos(answer_500={"status": 503})
    async with working(till, []), asyncio.timeout(PATIENCE):
        while not await till.world.see("select from private.chores where begun_at < now() - interval '50 minutes'"):
            await asyncio.sleep(0.05)
        await till.chaos()
        await till.pay(await till.go(PROFESSIONAL))
        while (await till.row())[0] != "active":
            await asyncio.sleep(0.05)
