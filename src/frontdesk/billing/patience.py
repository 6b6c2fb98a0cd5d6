"""How often an organization may let us ask Stripe: what it lends us is for all of them."""

from frontdesk import users
from frontdesk.billing.stripe_api import Money, Place

ALLOWED, SECONDS = 40, 600


async def count_visit(money: Money, at: Place) -> None:
    """Count one visit to Stripe's pages. Raises TooManyAttempts after forty in ten minutes."""
    async with money.database.platform() as db:
        wait = await users.take_attempt(db, users.Limit(f"stripe {at.organization_id}", ALLOWED, SECONDS))
    if wait:
        raise users.TooManyAttempts(wait)
