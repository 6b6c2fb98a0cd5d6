"""Buying a plan: the customer first, once for each organization; one checkout at a time; never a second subscription beside one that lives."""

import re
from typing import Any
from uuid import UUID

from frontdesk import audit
from frontdesk.billing import accounts, catalogue
from frontdesk.billing.patience import count_visit
from frontdesk.billing.stripe_api import Money, Place, StripeRefuses, asking, is_missing
from frontdesk.billing.syncing import Synced, sync_customer
from frontdesk.database import new_id
from frontdesk.errors import Conflict, NotFound

PAGE = "/dashboard/billing"
RETURN = f"{PAGE}/checkout"  # where Stripe's page leads back to
SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,250}")


class AlreadySubscribed(Conflict):
    """There is a subscription already. Change its plan instead of buying a second one."""

    title = "You have a subscription already"


class OtherCheckout(Conflict):
    """Another checkout was begun at the same moment, in another tab or by a colleague. Finish that one, or begin once more."""

    title = "Another checkout was begun"


class OtherCurrency(Conflict):
    """Your organization pays in another currency, and that does not change. Choose the price in it."""

    title = "This is another currency"


class NotYourCheckout(NotFound):
    """There is no such checkout in your organization."""


async def start_checkout(money: Money, at: Place, lookup_key: str) -> str:
    """The address of Stripe's page where this price is bought: a secret of whoever asked, to go to and never to keep.

    Raises AlreadySubscribed, NotForSale, CatalogueDrifted, OtherCurrency, OtherCheckout, and StripeAway and its kin.
    """
    begun_by = new_id()
    await count_visit(money, at)
    customer_id = await customer_of(money, at)
    price_id = await catalogue.sold(money, lookup_key)
    async with money.database.tenants([at.organization_id]) as db:
        before = await accounts.begin_checkout(db, at.organization_id, begun_by)
    _refuse(before, lookup_key)
    if before.checkout_id and (address := await _go_on(money, at, before, lookup_key)):
        return address
    params = _session(money, at, customer_id, price_id)
    with asking():
        session = await money.v1.checkout.sessions.create_async(params, {"idempotency_key": f"checkout:{at.organization_id}:{begun_by}"})
    async with money.database.tenants([at.organization_id]) as db:
        kept = await accounts.note_checkout(db, at.organization_id, begun_by, session.id, lookup_key)
    if not kept:  # nobody has seen its address
        await _expire(money, session.id)
        raise OtherCheckout
    async with money.database.tenants([at.organization_id]) as db:
        about = {"name": await accounts.plan_name(db, lookup_key) or lookup_key, "price": lookup_key}
        await audit.append_as(db, at.organization_id, at.actor, "checkout.started", target_type="subscription", details=about)
    return str(session.url)


async def finish_checkout(money: Money, at: Place, session_id: str) -> Synced:
    """What Stripe's page leads back to: look how things stand, as the webhook will once more. Whoever names another's checkout finds nothing.

    Raises NotYourCheckout, and StripeAway and its kin.
    """
    if not SESSION_ID.fullmatch(session_id):
        raise NotYourCheckout
    async with money.database.tenants([at.organization_id]) as db:
        account = await accounts.standing_of(db, at.organization_id)
    if account is None or account.customer_id is None:
        raise NotYourCheckout
    await count_visit(money, at)
    try:
        with asking():
            session = await money.v1.checkout.sessions.retrieve_async(session_id)
    except StripeRefuses as error:
        raise (NotYourCheckout() if is_missing(error) else error) from None
    told = session.to_dict()
    if told.get("customer") != account.customer_id or told.get("client_reference_id") != str(at.organization_id):
        raise NotYourCheckout
    synced = await sync_customer(money, at.organization_id)
    if told.get("status") != "open":
        await _forget(money, at.organization_id, session_id)
    return synced


async def customer_of(money: Money, at: Place) -> str:
    """The organization's customer, made now if there is none: once, whoever else does so at the same moment."""
    async with money.database.tenants([at.organization_id]) as db:
        account = await accounts.open_account(db, at.organization_id)
    if account.customer_id is not None:
        return account.customer_id
    about: Any = {"name": account.name, "preferred_locales": [account.locale]} | ({"email": at.email} if at.email else {})
    with asking():
        # the same words from everybody who makes this customer: two at once get one; after one that was deleted there is a next
        customer = await money.v1.customers.create_async(
            {"metadata": {"organization_id": str(at.organization_id)}}, {"idempotency_key": f"cus:{at.organization_id}:{account.version}"}
        )
        await money.v1.customers.update_async(customer.id, about)
    async with money.database.tenants([at.organization_id]) as db:
        return await accounts.note_customer(db, at.organization_id, customer.id)


def _refuse(before: accounts.Standing, lookup_key: str) -> None:
    if before.lives:
        raise AlreadySubscribed
    if before.currency and not lookup_key.endswith(f"_{before.currency.lower()}"):
        raise OtherCurrency


async def _go_on(money: Money, at: Place, before: accounts.Standing, lookup_key: str) -> str | None:
    """The address of the checkout that is open, if it is for the same price; one for another price is closed first.

    Raises AlreadySubscribed where it was paid a moment ago.
    """
    assert before.checkout_id is not None
    try:
        with asking():
            session = await money.v1.checkout.sessions.retrieve_async(before.checkout_id)
    except StripeRefuses as error:
        if is_missing(error):
            return None
        raise
    if session.status == "open" and session.url and before.checkout_lookup_key == lookup_key:
        return str(session.url)
    if (session.status == "open" and not await _expire(money, before.checkout_id)) or session.status == "complete":
        synced = await sync_customer(money, at.organization_id)
        if synced.after is not None and synced.after.lives:
            raise AlreadySubscribed
    return None


async def _expire(money: Money, session_id: str) -> bool:
    """Close a checkout, so that nobody pays it any more. False when it was not open."""
    try:
        with asking():
            await money.v1.checkout.sessions.expire_async(session_id)
    except StripeRefuses:
        return False
    return True


async def _forget(money: Money, organization_id: UUID, session_id: str) -> None:
    async with money.database.tenants([organization_id]) as db:
        await accounts.forget_checkout(db, organization_id, session_id)


def _session(money: Money, at: Place, customer_id: str, price_id: str) -> Any:
    settings, named = money.settings, {"organization_id": str(at.organization_id)}
    return {
        "mode": "subscription", "customer": customer_id, "client_reference_id": str(at.organization_id), "line_items": [{"price": price_id, "quantity": 1}],
        "success_url": f"{money.home}{RETURN}?session_id={{CHECKOUT_SESSION_ID}}", "cancel_url": f"{money.home}{PAGE}", "metadata": named,
        # flexible: credit is what was really paid. It cannot be changed back. Source: https://docs.stripe.com/billing/subscriptions/billing-mode
        "subscription_data": {"metadata": named, "billing_mode": {"type": "flexible"}},
        "allow_promotion_codes": settings.stripe_promotion_codes, "automatic_tax": {"enabled": settings.stripe_automatic_tax},
        "tax_id_collection": {"enabled": settings.stripe_vat_ids}, "customer_update": {"address": "auto", "name": "auto"},
        "billing_address_collection": "required" if settings.stripe_automatic_tax or settings.stripe_vat_ids else "auto",
    }  # fmt: skip
