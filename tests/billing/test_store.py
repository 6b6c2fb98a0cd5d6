"""What an organization reads of its money."""

from datetime import UTC, datetime

from frontdesk import billing
from tests.rows import Rows, insert
from tests.world import World


async def test_a_shop_reads_its_account_and_its_invoices_newest_first_and_none_of_its_neighbours(world: World) -> None:
    for number, shop in enumerate((world.shop, world.shop, world.neighbour)):
        rows = Rows(shop.organization_id, shop.owner_id, shop.channel_id)
        await insert(world.owner, "billing_accounts", rows.of("billing_accounts"), " on conflict do nothing")
        await insert(world.owner, "invoices", rows.of("invoices") | {"id": f"in_{number}", "issued_at": datetime(2026, 1, 1 + number, tzinfo=UTC)})
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        account, invoices = await billing.account(db), await billing.invoices(db)
        earlier = await billing.invoices(db, before=(invoices[0].issued_at, invoices[0].id))
        prices = await billing.prices(db)
    assert account is not None
    assert [one.id for one in invoices] == ["in_1", "in_0"]
    assert [one.id for one in earlier] == ["in_0"]
    assert [one.lookup_key for one in prices][:3] == ["starter_month_eur", "starter_year_eur", "professional_month_eur"]


async def test_who_never_bought_has_no_account(world: World) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert await billing.account(db) is None
        subscription = await billing.current(db)
    assert subscription is not None
    assert not subscription.lives
