"""Buying credit: a payment at Stripe in a size that is sold, booked once from the checkout as Stripe tells it, whoever looks first."""

from typing import Any
from uuid import UUID

from frontdesk import audit, usage
from frontdesk.billing import accounts
from frontdesk.billing.checkout import PAGE, SESSION_ID, NotYourCheckout, customer_of
from frontdesk.billing.patience import count_visit
from frontdesk.billing.stripe_api import Money, Place, StripeRefuses, asking, is_missing
from frontdesk.errors import BadInput, Conflict

RETURN = f"{PAGE}/credit"  # where Stripe's page leads back to
CREDIT_PAGE = "/dashboard/usage#credit"
MARK = "frontdesk_credit"  # what a checkout's metadata say when it sells credit


class NoCreditSold(Conflict):
    """Credit is not sold here: what goes beyond the plan is billed afterwards."""

    title = "Credit is not sold here"


class NothingToSpendOn(Conflict):
    """Your plan has no price for more than it includes, so credit would buy nothing. Choose a larger plan first."""

    title = "Your plan sells no more"


class NoSuchPack(BadInput):
    """Choose one of the sizes that are shown."""


async def start_purchase(money: Money, at: Place, amount: int, once: str) -> str:
    """The address of Stripe's page where credit of this amount is paid. once: of the form, so that it opens one checkout however often it is sent.

    Raises NoCreditSold, NothingToSpendOn, NoSuchPack, and StripeAway and its kin.
    """
    if money.settings.overage_billing != "prepaid":
        raise NoCreditSold
    if amount not in money.settings.packs:
        raise NoSuchPack(field="pack")
    async with money.database.tenants([at.organization_id]) as db:
        credit = await usage.credit(db, at.organization_id)
    if credit is None or not credit.sold:
        raise NothingToSpendOn
    await count_visit(money, at)
    params = _session(money, at, await customer_of(money, at), amount, credit.currency)
    url = await _open(money, params, f"credit:{at.organization_id}:{amount}:{once}")
    async with money.database.tenants([at.organization_id]) as db:
        about = {"amount": f"{amount / 100:.2f} {credit.currency}"}
        await audit.append_as(db, at.organization_id, at.actor, "credit.checkout_started", target_type="usage_credit", details=about)
    return url


async def finish_purchase(money: Money, at: Place, session_id: str) -> bool:
    """What Stripe's page leads back to: whether the credit is paid, and booked. Raises NotYourCheckout, and StripeAway and its kin."""
    await count_visit(money, at)
    paid = await book_purchase(money, at.organization_id, session_id)
    if paid is None:
        raise NotYourCheckout
    return paid


async def book_purchase(money: Money, organization_id: UUID, session_id: str) -> bool | None:
    """Add a checkout's amount to the credit, if it is paid and as often as anybody asks: once. None: it is no purchase of credit of this organization."""
    async with money.database.tenants([organization_id]) as db:
        account = await accounts.standing_of(db, organization_id)
    if account is None or account.customer_id is None or not SESSION_ID.fullmatch(session_id):
        return None
    try:
        with asking():
            told = (await money.v1.checkout.sessions.retrieve_async(session_id)).to_dict()
    except StripeRefuses as error:
        if is_missing(error):
            return None
        raise
    if told.get("customer") != account.customer_id or told.get("mode") != "payment" or (told.get("metadata") or {}).get(MARK) != str(organization_id):
        return None
    if told.get("payment_status") != "paid":
        return False
    await usage.add_credit(money.database, organization_id, session_id, int(told["amount_subtotal"]), str(told["currency"]).upper())
    return True


async def _open(money: Money, params: Any, key: str) -> str:
    """The checkout that this key opened; another one when that is paid or over already."""
    while True:
        with asking():
            made = await money.v1.checkout.sessions.create_async(params, {"idempotency_key": key})
            session = await money.v1.checkout.sessions.retrieve_async(made.id)
        if session.status == "open" and session.url:
            return str(session.url)
        key = f"{key.rsplit('#', 1)[0]}#{session.id}"


def _session(money: Money, at: Place, customer_id: str, amount: int, currency: str) -> Any:
    settings = money.settings
    price: dict[str, Any] = {"currency": currency.lower(), "unit_amount": amount, "product_data": {"name": "Credit to go beyond the plan"}}
    if settings.stripe_automatic_tax:
        price |= {"tax_behavior": "exclusive"}
        price["product_data"] |= {"tax_code": settings.stripe_tax_code}
    named = {"organization_id": str(at.organization_id), MARK: str(at.organization_id)}
    return {
        "mode": "payment", "customer": customer_id, "client_reference_id": str(at.organization_id), "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": f"{money.home}{RETURN}?session_id={{CHECKOUT_SESSION_ID}}", "cancel_url": f"{money.home}{CREDIT_PAGE}", "metadata": named,
        "payment_intent_data": {"metadata": named}, "invoice_creation": {"enabled": True, "invoice_data": {"metadata": named}},
        "automatic_tax": {"enabled": settings.stripe_automatic_tax},
        "tax_id_collection": {"enabled": settings.stripe_vat_ids}, "customer_update": {"address": "auto", "name": "auto"},
        "billing_address_collection": "required" if settings.stripe_automatic_tax or settings.stripe_vat_ids else "auto",
    }  # fmt: skip
