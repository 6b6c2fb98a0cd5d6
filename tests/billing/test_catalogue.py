"""What is sold, brought to Stripe."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner

from frontdesk.billing import catalogue, simulator
from frontdesk.billing.cli import app
from frontdesk.billing.stripe_api import SIMULATOR
from frontdesk.database import new_id
from frontdesk.settings import Settings
from tests.billing.till import PROFESSIONAL, STARTER, Till
from tests.channels.simulator.stage import serving
from tests.conftest import Urls


async def kinds(till: Till) -> list[str]:
    return [step.kind for step in await catalogue.compare(till.money)]


async def test_an_empty_account_is_filled_once(till: Till) -> None:
    assert await kinds(till) == ["product"] * 4 + ["price"] * 8 + ["portal"]
    await catalogue.apply(till.money, await catalogue.compare(till.money))
    assert await kinds(till) == []
    products = await till.stage.v1.products.list_async({"active": True})
    assert sorted(one.id for one in products.data) == ["frontdesk_business", "frontdesk_enterprise", "frontdesk_professional", "frontdesk_starter"]
    assert len(await till.world.see("select from plan_prices where provider_price_id is not null")) == 8


async def test_whoever_was_stopped_in_between_goes_on(till: Till) -> None:
    steps = len(await catalogue.compare(till.money))
    for left in range(steps, 0, -1):
        found = await catalogue.compare(till.money)
        assert len(found) == left
        await catalogue.apply(till.money, found[:1])
    assert await kinds(till) == []


async def test_a_new_price_is_sold_from_now_on_and_who_has_the_old_one_keeps_it(till: Till) -> None:
    await till.buy(STARTER)
    await till.world.owner.execute("select private.set_plan_price('starter', 'month', 'EUR', 3500)")
    assert await kinds(till) == ["price", "archive"]
    await catalogue.apply(till.money, await catalogue.compare(till.money))
    assert await kinds(till) == []
    await till.hear()
    assert (await till.row())[:4] == ("active", "starter", "month", 2_900)
    await till.buy(STARTER, till.world.neighbour)
    assert (await till.row(till.world.neighbour))[:4] == ("active", "starter", "month", 3_500)


async def test_what_was_changed_by_hand_is_told_and_not_taken_over(till: Till) -> None:
    await catalogue.apply(till.money, await catalogue.compare(till.money))
    await till.stage.v1.products.update_async("frontdesk_starter", {"name": "Cheap"})
    (price,) = (await till.stage.v1.prices.list_async({"lookup_keys": [PROFESSIONAL]})).data
    await till.stage.v1.prices.update_async(price.id, {"active": False})
    said = [step.said for step in await catalogue.compare(till.money)]
    assert said[0] == "Starter: name is 'Cheap', not 'Starter'"
    assert said[1].startswith("professional_month_eur: 99.00 EUR a month, a new price")
    assert await till.world.see("select name from subscription_plans where id = 'starter'") == [("Starter",)]


@pytest.fixture
async def account(settings: Settings, urls: Urls, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The simulated Stripe where a running installation has it, and the command line's surroundings."""
    built = simulator.build(simulator.SimulatorSettings(), development=True)
    served = Starlette(routes=[Mount(SIMULATOR, built)], lifespan=lambda _: simulator.running(built))
    async with serving(served) as url:
        monkeypatch.chdir(settings.data_dir.parent)
        environment = {"DATABASE_URL": urls.app, "FRONTDESK_DATA_DIR": str(settings.data_dir), "COLUMNS": "200", "PORT": url.rpartition(":")[2]}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield


async def typed(*words: str) -> tuple[int, str]:
    """How the command ends, and what it says."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(words))
    return result.exit_code, str(result.output) + (str(result.exception) if result.exception and result.exit_code == 1 else "")


async def test_the_command_shows_what_it_would_do_and_does_it(account: None) -> None:
    code, said = await typed("sync", "--plan")
    assert (code, "Professional: a new product" in said, "professional_month_eur: 99.00 EUR a month, a new price" in said) == (1, True, True)
    code, said = await typed("sync", "--apply")
    assert (code, said.rstrip().endswith("Done.")) == (0, True), said
    assert await typed("sync", "--plan") == (0, "Stripe has all of it, as it is here.\n")
    assert await typed("reconcile") == (0, "0 events had not been delivered. 0 customers were looked at, 0 of them without success.\n")


async def test_events_are_listed_and_handled_again(account: None, owner: psycopg.AsyncConnection[object]) -> None:
    assert await typed("events") == (0, "No event.\n")
    event_id = new_id()
    await owner.execute(
        "insert into billing_events (id, provider_event_id, type, happened_at, next_try_at, given_up_at, last_error, attempts)"
        " values (%s, 'evt_1', 'invoice.paid', now(), null, now(), 'StripeAway: gone', 8)", (event_id,),
    )  # fmt: skip
    await owner.execute("select private.count_billing_refusals(3)")
    _, said = await typed("events", "--given-up")
    assert all(words in said for words in (str(event_id), "given up", "invoice.paid", "nobody", "StripeAway: gone", "3 calls of the last day"))
    assert "evt_1" not in (await typed("events", "--waiting"))[1]
    assert await typed("replay", str(event_id)) == (0, "It is handled again.\n")
    assert "evt_1" in (await typed("events", "--waiting"))[1]
    for unknown in (str(new_id()), "no-id"):
        assert "There is no event" in (await typed("replay", unknown))[1]


async def test_without_an_account_nothing_is_brought_anywhere(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_SIMULATOR", "false")
    assert "set STRIPE_SECRET_KEY" in (await typed("sync", "--plan"))[1]
