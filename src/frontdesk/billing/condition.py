"""Whether plans can be sold, and whether what Stripe tells is heard: for whoever examines the installation."""

from datetime import UTC, datetime, timedelta

from frontdesk.billing import catalogue, inbox
from frontdesk.billing.endpoints import is_deaf
from frontdesk.billing.stripe_api import Money, open_money
from frontdesk.database import Database
from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings

LATE = timedelta(minutes=15)  # events that wait so long wait for a reason


async def condition(settings: Settings, database: Database) -> tuple[bool, str]:
    """Whether all is well, and in words how it is."""
    well, told = await _inbox(database)
    sells, said = await _catalogue(settings, database)
    told += ["nothing that is paid is heard of: no STRIPE_WEBHOOK_SECRET"] if is_deaf(settings) else []
    return well and sells and not is_deaf(settings), "; ".join([said, *told])


async def _inbox(database: Database) -> tuple[bool, list[str]]:
    async with database.platform() as db:
        state = await inbox.state(db)
    late = state.oldest is not None and state.oldest < datetime.now(UTC) - LATE
    told = [f"{state.waiting:,} events wait since {state.oldest:%Y-%m-%d %H:%M}"] if late else []
    told += [f"{state.given_up:,} events want a look: `frontdesk billing events --given-up`"] if state.given_up else []
    told += [f"{state.refused:,} calls of the last day were not signed by Stripe"] if state.refused else []
    return not (late or state.given_up), told


async def _catalogue(settings: Settings, database: Database) -> tuple[bool, str]:
    if settings.stripe_simulated:
        return True, "simulated: no STRIPE_SECRET_KEY"
    money = open_money(settings, database)
    if money is None:
        return True, "nothing is sold: no STRIPE_SECRET_KEY"
    try:
        return await of_catalogue(money)
    except FrontdeskError as error:
        return False, str(error)
    finally:
        await money.close()


async def of_catalogue(money: Money) -> tuple[bool, str]:
    """Whether Stripe sells what is shown here. Raises StripeAway and its kin."""
    steps = [step for step in await catalogue.compare(money) if step.kind not in ("look", "missing")]
    if steps:
        return False, f"{len(steps)} things are otherwise at Stripe: `frontdesk billing sync --plan` shows them"
    return True, "Stripe sells what is shown here"
