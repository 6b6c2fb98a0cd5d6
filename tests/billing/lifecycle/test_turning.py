"""Our own clock follows the one of the simulated Stripe: overdue for longer, months and trials that end, and nothing told twice for that."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import errors

from frontdesk import billing, secret_files, usage
from frontdesk.billing import allow_turning, let_time_pass
from frontdesk.billing.lifecycle.actions import look
from frontdesk.billing.lifecycle.turning import stops
from frontdesk.database import new_id
from frontdesk.mail import Mailer
from frontdesk.settings import Settings
from tests.mailbox import letters
from tests.usage.ledgers import allow, choose, consume, overage, used, work
from tests.world import World

DAY = 86_400
NOW = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
OVERDUE = """update subscriptions set status = 'past_due', past_due_since = now(), provider_subscription_id = 'sub_1'
  where organization_id = %s returning past_due_since"""
TOLD = "insert into billing_notices (organization_id, id, kind, object, attempt) values (%s, %s, 'payment_failed', %s, 0)"
OVERAGE_DUE = "select organization_id from private.list_overage_due('00000000-0000-0000-0000-000000000000', 10)"


@pytest.fixture
def mailer(settings: Settings) -> Mailer:
    return Mailer(secret_files.load(settings).vault, settings)


@pytest.fixture(autouse=True)
async def turnable(world: World) -> None:
    await allow_turning(world.database, True)


async def turn(world: World, mailer: Mailer, seconds: int, ahead: int | None = None) -> None:
    """`ahead`: by how much Stripe's clock is ahead of ours then."""
    await let_time_pass(world.database, mailer, seconds, int(datetime.now(UTC).timestamp()) + (seconds if ahead is None else ahead))


async def test_it_is_overdue_for_longer_and_what_was_told_stays_told(world: World, mailer: Mailer) -> None:
    ((since,),) = await world.see(OVERDUE, world.shop.organization_id)
    since = since.astimezone(UTC)
    await world.owner.execute(TOLD, (world.shop.organization_id, new_id(), since.isoformat()))
    await turn(world, mailer, 9 * DAY)
    ((moved,),) = await world.see("select past_due_since from subscriptions where organization_id = %s", world.shop.organization_id)
    assert moved == since - timedelta(days=9)
    ((told,),) = await world.see(
        "select object from billing_notices where organization_id = %s and kind = 'payment_failed' and attempt = 0", world.shop.organization_id
    )
    assert datetime.fromisoformat(told) == moved and told == moved.astimezone(UTC).isoformat()


async def test_page_and_mails_name_days_of_grace_as_the_turned_clock_shows_them(world: World, mailer: Mailer, settings: Settings) -> None:
    await world.owner.execute("update auth.users set email_confirmed_at = now()")
    await work(world, world.shop, "select private.anchor_usage(%(o)s, (now() at time zone 'UTC')::date)")
    await turn(world, mailer, 40 * DAY)
    ((since,),) = await world.see(OVERDUE, world.shop.organization_id)
    await turn(world, mailer, 3 * DAY, ahead=43 * DAY)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        subscription = await billing.current(db)
    assert subscription is not None and subscription.past_due_since == since + timedelta(days=40)
    told = await letters(world.owner, settings, f"{world.shop.owner_id}@example.com")
    limited = (since + timedelta(days=48)).astimezone(UTC)
    assert told[-1].template == "billing/payment_failed" and f"{limited:%B} {limited.day}, {limited.year}" in told[-1].letter.text


async def test_a_month_ends_and_its_overage_is_due_while_a_new_one_is_counted_from_nothing(world: World, mailer: Mailer) -> None:
    await allow(world, world.shop, overage={"messages_sent": 1500}, messages_sent=10)
    await choose(world, world.shop, 100)
    today = await work(world, world.shop, "select (now() at time zone 'UTC')::date")
    await work(world, world.shop, "select private.anchor_usage(%(o)s, %(d)s)", d=today)
    assert await consume(world, world.shop, 12)
    await turn(world, mailer, 20 * DAY)
    assert await world.see(OVERAGE_DUE) == []
    await turn(world, mailer, 11 * DAY, ahead=31 * DAY)
    assert [row[0] for row in await world.see(OVERAGE_DUE)] == [world.shop.organization_id]
    assert await consume(world, world.shop, 7)
    assert sorted((await used(world, world.shop)).values()) == [7, 12] and await overage(world, world.shop) == [(2, 3000)]
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        month = await usage.period(db)
        assert [(one.used, one.over) for one in await usage.standing(db) if one.metric == "messages_sent"] == [(7, 0)]
    assert month.starts <= today + timedelta(days=31) <= month.ends and month.starts > today
    ((neighbours,),) = await world.see("select days_ahead from subscriptions where organization_id = %s", world.neighbour.organization_id)
    assert neighbours == 0  # who never bought has no month of the provider's
    assert await world.database.call("select metric from private.recount_usage(%(o)s)", {"o": world.shop.organization_id}) == []


async def test_a_trial_ends_with_its_mails_however_far_the_clock_is_turned(world: World, mailer: Mailer, settings: Settings) -> None:
    await world.owner.execute("update auth.users set email_confirmed_at = now()")
    await world.owner.execute("update subscriptions set trial_ends_at = date_trunc('second', now()) + interval '9 days'")
    await turn(world, mailer, 7 * DAY)
    await turn(world, mailer, 60 * DAY)
    while await look(world.database, mailer):
        pass
    told = await letters(world.owner, settings, f"{world.shop.owner_id}@example.com")
    assert [one.template for one in told] == ["billing/trial_ending", "billing/trial_ended"]
    assert await world.see("select distinct access from subscriptions") == [("free",)]


async def test_where_the_clock_cannot_be_turned_nothing_is_and_what_was_goes_by_the_real_one_again(world: World, mailer: Mailer) -> None:
    await work(world, world.shop, "select private.anchor_usage(%(o)s, '2024-01-31')")
    await turn(world, mailer, 40 * DAY)
    ahead = "select days_ahead from subscriptions where organization_id = %s"
    assert await world.see(ahead, world.shop.organization_id) == [(40,)]
    await allow_turning(world.database, False)
    assert await world.see(ahead, world.shop.organization_id) == [(0,)]
    with pytest.raises(errors.InsufficientPrivilege):
        await turn(world, mailer, 1)


@pytest.mark.parametrize(("days", "turned", "expected"), [
    ((), 31, [31]), ((9,), 3, [3]), ((9,), 7, [7]), ((9,), 10, [6, 10]), ((9,), 31, [6, 9, 31]), ((9, 10, 30), 31, [7, 10, 27, 31]), ((40,), 31, [31]),
    ((1,), 2, [2]), ((1,), 31, [1, 31]),
])  # fmt: skip
def test_turning_stops_where_trials_are_told_of(days: tuple[int, ...], turned: int, expected: list[int]) -> None:
    found = stops([NOW + timedelta(days=day) for day in days], NOW, turned * DAY)
    assert [round(stop / DAY, 3) for stop in found] == expected
