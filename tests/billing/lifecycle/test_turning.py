"""Our own clock follows the one of the simulated Stripe: overdue for longer, and nothing told twice for that."""

from datetime import UTC, datetime, timedelta

from frontdesk.billing import let_time_pass
from frontdesk.database import new_id
from tests.world import World

OVERDUE = """update subscriptions set status = 'past_due', past_due_since = now(), provider_subscription_id = 'sub_1'
  where organization_id = %s returning past_due_since"""
TOLD = "insert into billing_notices (organization_id, id, kind, object, attempt) values (%s, %s, 'payment_failed', %s, 0)"


async def test_it_is_overdue_for_longer_and_what_was_told_stays_told(world: World) -> None:
    ((since,),) = await world.see(OVERDUE, world.shop.organization_id)
    since = since.astimezone(UTC)
    await world.owner.execute(TOLD, (world.shop.organization_id, new_id(), since.isoformat()))
    await let_time_pass(world.database, 9 * 86_400)
    ((moved,),) = await world.see("select past_due_since from subscriptions where organization_id = %s", world.shop.organization_id)
    assert moved == since - timedelta(days=9)
    ((told,),) = await world.see("select object from billing_notices where organization_id = %s", world.shop.organization_id)
    assert datetime.fromisoformat(told) == moved and told == moved.astimezone(UTC).isoformat()


async def test_who_owes_nothing_feels_nothing_of_it(world: World) -> None:
    before = await world.see("select past_due_since, trial_ends_at, status from subscriptions where organization_id = %s", world.neighbour.organization_id)
    await let_time_pass(world.database, 9 * 86_400)
    assert (
        await world.see("select past_due_since, trial_ends_at, status from subscriptions where organization_id = %s", world.neighbour.organization_id) == before
    )
