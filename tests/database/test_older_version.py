"""An installation of the version before anything was sold is brought to this one, with everything that is in it."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from frontdesk import billing, usage
from frontdesk.billing.lifecycle.actions import look
from frontdesk.database import Database, migrator, setup
from frontdesk.mail import Mailer
from frontdesk.messages.inbox import store as inbox
from frontdesk.secret_files import load
from frontdesk.settings import Settings
from tests import blueprint
from tests.conftest import Urls
from tests.rows import Rows
from tests.world import World, open_shop, text, webhook

OLD = "20240128080100"  # the last migration before plans were sold
SEE = "select plan_id, status, trial_ends_at, access, provider_subscription_id from subscriptions where organization_id = %s"


@pytest.fixture
async def old(cluster: str) -> AsyncIterator[Urls]:
    """The addresses of a database of the older version, empty."""
    with psycopg.connect(cluster, autocommit=True) as administrator:
        administrator.execute("create database older")
        owner = cluster.replace("@/postgres?", "@/older?")
        async with await setup.connect(owner) as connection:
            await migrator.migrate(connection, [one for one in migrator.known() if one.version <= OLD])
        yield Urls(owner, owner.replace("postgres:secret@", "frontdesk_app:app-secret@"))
        administrator.execute("drop database older with (force)")


async def fill(owner: psycopg.AsyncConnection[Any]) -> dict[str, Any]:
    """Shops in every state that the older version knew, with numbers, messages and usage."""
    shops = {name: await open_shop(owner, name) for name in ("tries", "tried", "bought", "late", "left", "without")}
    for name, assignment in {
        "tries": "trial_ends_at = now() + interval '5 days'",
        "tried": "trial_ends_at = now() - interval '40 days'",
        "bought": "plan_id = 'business', status = 'active', billing_interval = 'year', trial_ends_at = null, current_period_end = now() + interval '100 days'",
        "late": "plan_id = 'professional', status = 'past_due', past_due_since = now() - interval '2 days'",
        "left": "plan_id = 'professional', status = 'canceled'",
    }.items():
        await owner.execute(f"update subscriptions set {assignment} where organization_id = %s", (shops[name].organization_id,))  # type: ignore[arg-type]  # literal above
    await owner.execute("delete from subscriptions where organization_id = %s", (shops["without"].organization_id,))
    for shop in shops.values():
        rows = Rows(shop.organization_id, shop.owner_id, shop.channel_id)
        await rows.plant(owner, ["contacts", "contact_identities", "conversations", "auto_replies", "api_keys", "messages"])
        await owner.execute("select private.track_usage(%s, 'messages_sent', 41)", (shop.organization_id,))
        await owner.execute(
            "insert into organization_usage (organization_id, metric, period_start, used)"
            " values (%s, 'messages_sent', date_trunc('month', now())::date - interval '1 month', 7)", (shop.organization_id,),
        )  # fmt: skip
    return shops


async def test_everything_is_as_it_was_and_goes_on(old: Urls, urls: Urls, settings: Settings) -> None:
    async with await psycopg.AsyncConnection.connect(old.owner, autocommit=True) as owner:
        shops = await fill(owner)
        kept = [await (await owner.execute("select id, organization_id, text from messages order by id")).fetchall(), await _usage(owner)]
        trial = await (await owner.execute("select trial_ends_at from subscriptions where organization_id = %s", (shops["tries"].organization_id,))).fetchone()
        assert trial is not None
        await setup.prepare(old.owner, old.app)
        assert blueprint.differences(blueprint.read(old.owner), blueprint.read(urls.owner)) == []
        assert [await (await owner.execute("select id, organization_id, text from messages order by id")).fetchall(), await _usage(owner)] == kept
        stands = {name: await (await owner.execute(SEE, (shop.organization_id,))).fetchone() for name, shop in shops.items()}
        assert stands == {
            "tries": ("starter", "trialing", trial[0], "full", None), "tried": ("starter", "trialing", stands["tried"][2], "free", None),
            "bought": ("business", "active", None, "full", None), "late": ("professional", "past_due", stands["late"][2], "grace_full", None),
            "left": ("professional", "canceled", stands["left"][2], "free", None), "without": None,
        }  # fmt: skip
        await _goes_on(old, owner, shops, settings)


async def _usage(owner: psycopg.AsyncConnection[Any]) -> list[Any]:
    return await (await owner.execute("select organization_id, metric, period_start, used from organization_usage order by 1, 2, 3")).fetchall()


async def _goes_on(old: Urls, owner: psycopg.AsyncConnection[Any], shops: dict[str, Any], settings: Settings) -> None:
    """The inbox takes what arrives, limits hold, and nobody is written of what was long ago."""
    database = await Database.open(old.app, min_size=1, max_size=4)
    try:
        world = World(database, owner, shops["tries"], shops["bought"])
        limits = dict[str, Any]()
        for name, shop in shops.items():
            async with database.tenant(shop.organization_id, shop.actor) as db:
                told = {one.metric: (one.used, one.allowed) for one in await usage.overview(db)}
                assert told["messages_sent"][0] == 41
                limits[name] = (told["messages_sent"][1], await usage.check(db, "messages_sent", 1))
                assert (await billing.account(db), await billing.invoices(db)) == (None, [])
            await world.arrive(shop, webhook(shop, text("Are you open today?")))
            async with database.tenant(shop.organization_id, shop.actor) as db:
                assert len(await inbox.newest(db, "open", [], None, 10)) == 2
        del limits["without"]  # nobody says what somebody may do who has no subscription; his customers are heard all the same
        assert limits == {
            "tries": (5_000, True), "tried": (100, True), "bought": (500_000, True), "late": (50_000, True), "left": (100, True),
        }  # fmt: skip
        await look(database, Mailer(load(settings).vault, settings))
        kinds = await (await owner.execute("select organization_id, kind from billing_notices")).fetchall()
        assert [kind for organization, kind in kinds if organization in (shops["tried"].organization_id, shops["left"].organization_id)] == []
    finally:
        await database.close()
