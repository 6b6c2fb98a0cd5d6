"""Credit whose payment was paid back: what Stripe says was refunded is taken from it once, whoever looks first and how often."""

from collections.abc import Sequence
from uuid import UUID

from frontdesk import usage
from frontdesk.billing.credit import book_purchase
from frontdesk.billing.standings import Told, identity
from frontdesk.billing.stripe_api import Money, asking

GONE = ("failed", "canceled")  # a refund that did not come about


async def take_back(money: Money, organization_id: UUID, charge_id: str) -> None:
    """Take back what was refunded of this payment, if it was one for credit, and give back what a refund took that did not come about.

    Raises StripeAway and its kin.

    What is spent already cannot be taken: it stays spent, and whoever runs this Frontdesk reads so in the log.
    """
    for session, refunds in await _purchases(money, charge_id):
        if not await book_purchase(money, organization_id, session["id"]):
            continue  # another payment, another organization's, or nothing is paid
        currency = str(session["currency"]).upper()
        for one in refunds:
            if one.get("status") in GONE:
                await usage.give_credit_back(money.database, organization_id, str(one["id"]), currency)
        for refund_id, share in shares(refunds, int(session["amount_subtotal"]), int(session["amount_total"])):
            if share:
                await usage.take_credit_back(money.database, organization_id, refund_id, share, currency)


def shares(refunds: Sequence[Told], subtotal: int, total: int) -> list[tuple[str, int]]:
    """What each refund takes of the credit: its part of what was paid, VAT left aside. All of them together never take more than was bought."""
    back, taken, found = 0, 0, []
    for one in sorted(refunds, key=lambda refund: (refund["created"], refund["id"])):
        if one.get("status") in GONE:
            continue
        back = min(total, back + int(one["amount"]))
        share = back * subtotal // total - taken
        taken += share
        found.append((str(one["id"]), share))
    return found


async def _purchases(money: Money, charge_id: str) -> list[tuple[Told, list[Told]]]:
    """The checkout that this charge paid, with what was refunded of it."""
    with asking():
        charge = (await money.v1.charges.retrieve_async(charge_id)).to_dict()
        intent = identity(charge.get("payment_intent"))
        if intent is None:
            return []
        sessions = await money.v1.checkout.sessions.list_async({"payment_intent": intent, "limit": 1})
        if not sessions.data:
            return []
        page = await money.v1.refunds.list_async({"charge": charge_id, "limit": 100})
        refunds: list[Told] = [one.to_dict() async for one in page.auto_paging_iter()]
    return [(one.to_dict(), refunds) for one in sessions.data]
