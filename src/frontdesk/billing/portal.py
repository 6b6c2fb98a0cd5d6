"""The way to Stripe's own pages for cards, addresses, tax ids, invoices and cancelling."""

from typing import Any, Literal

from frontdesk import audit
from frontdesk.billing import accounts, catalogue
from frontdesk.billing.patience import count_visit
from frontdesk.billing.stripe_api import Money, Place, asking
from frontdesk.errors import Conflict

PAGE = "/dashboard/billing"
Flow = Literal["payment_method_update"]


class NothingBoughtYet(Conflict):
    """There is nothing to look after yet: your organization has not bought anything. Choose a plan first."""

    title = "Nothing was bought yet"


async def portal_link(money: Money, at: Place, *, return_path: str = PAGE, flow: Flow | None = None) -> str:
    """The address of the customer's pages at Stripe: a secret of whoever asked, to go to and never to keep.

    flow: what to begin with. Raises NothingBoughtYet, CatalogueDrifted where our pages are not set up there, and StripeAway and its kin.
    """
    async with money.database.tenants([at.organization_id]) as db:
        account = await accounts.standing_of(db, at.organization_id)
    if account is None or account.customer_id is None:
        raise NothingBoughtYet
    await count_visit(money, at)
    back = money.home + return_path
    params: Any = {"customer": account.customer_id, "return_url": back, "configuration": await catalogue.portal_id(money)}
    if flow:
        params["flow_data"] = {"type": flow, "after_completion": {"type": "redirect", "redirect": {"return_url": back}}}
    with asking():
        session = await money.v1.billing_portal.sessions.create_async(params)
    async with money.database.tenants([at.organization_id]) as db:
        await audit.append_as(db, at.organization_id, at.actor, "portal.opened", target_type="subscription")
    return str(session.url)
