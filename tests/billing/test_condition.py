"""What whoever examines the installation is told about selling."""

import psycopg

from frontdesk.billing import catalogue, condition
from frontdesk.billing.condition import of_catalogue
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.billing.till import Till

WAITS = """insert into billing_events (id, provider_event_id, type, happened_at, received_at)
  values (gen_random_uuid(), 'evt_1', 'x', now(), now() - interval '1 hour')"""


async def test_a_laptop_sells_by_itself_and_production_without_a_key_nothing(database: Database, settings: Settings) -> None:
    assert await condition(settings, database) == (True, "simulated: no STRIPE_SECRET_KEY")
    assert await condition(settings.model_copy(update={"simulator": False}), database) == (True, "nothing is sold: no STRIPE_SECRET_KEY")


async def test_events_that_wait_or_want_a_look_and_strangers_calls_are_told(
    database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]
) -> None:
    await owner.execute("select private.count_billing_refusals(2)")
    well, said = await condition(settings, database)
    assert (well, "2 calls of the last day were not signed by Stripe" in said) == (True, True)
    await owner.execute(WAITS)  # type: ignore[arg-type]  # literal above
    well, said = await condition(settings, database)
    assert (well, "1 events wait since" in said) == (False, True)
    await owner.execute("update billing_events set next_try_at = null, given_up_at = now()")
    well, said = await condition(settings, database)
    assert (well, "1 events want a look" in said) == (False, True)


async def test_what_is_otherwise_at_stripe_is_told_until_it_is_brought_there(till: Till) -> None:
    assert await of_catalogue(till.money) == (False, "13 things are otherwise at Stripe: `frontdesk billing sync --plan` shows them")
    await catalogue.apply(till.money, await catalogue.compare(till.money))
    assert await of_catalogue(till.money) == (True, "Stripe sells what is shown here")
