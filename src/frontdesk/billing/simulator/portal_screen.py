"""What the customer portal shows, and whose it is."""

import time
from typing import Any

from frontdesk.billing.simulator import invoicing, items, lines, methods, portal_calls, schedules, standing
from frontdesk.billing.simulator.pay_screen import country_of, moment
from frontdesk.billing.simulator.world import World
from frontdesk.errors import NotFound

Object = dict[str, Any]


class LinkHasExpired(NotFound):
    """This link has expired. Go back to Frontdesk and open the portal again."""


def session_of(world: World, secret: str) -> Object:
    """The session behind a secret. Raises LinkHasExpired."""
    known = world.private(portal_calls.SESSIONS + secret)
    if not known or known["until"] < time.time():
        raise LinkHasExpired
    session: Object = known["session"]
    return session


def features_of(world: World, session: Object) -> Object:
    """What the product lets customers do here."""
    features: Object = world.get(session["configuration"])["features"]
    return features


def view(world: World, secret: str) -> Object:
    """The page of a session, as its template takes it."""
    session = session_of(world, secret)
    customer = world.get(session["customer"])
    usual = (customer["invoice_settings"] or {}).get("default_payment_method")
    subscriptions = [one for one in world.find("subscription", customer=customer["id"]) if one["status"] not in (*standing.OVER, "incomplete")]
    usual = usual or next((one["default_payment_method"] for one in subscriptions if one["default_payment_method"]), None)
    kept = [one | {"said": methods.said(one), "usual": one["id"] == usual} for one in world.find("payment_method", customer=customer["id"])]
    return {
        "session": session, "features": features_of(world, session), "customer": customer, "country": country_of(customer), "kept": kept,
        "subscriptions": [subscribed(world, one) for one in subscriptions], "tax_ids": world.find("tax_id", customer=customer["id"]),
        "invoices": [listed(one) for one in reversed(world.find("invoice", customer=customer["id"])) if one["status"] != "draft"][:24],
    }  # fmt: skip


def subscribed(world: World, subscription: Object) -> Object:
    """A subscription in the words of a page: what, for how much, until when, and what comes then."""
    item = subscription["items"]["data"][0]
    ends = items.period_of(subscription)[1]
    later = schedules.as_of(world, subscription, ends)
    following = later["items"]["data"][0]["price"]
    return {
        "id": subscription["id"], "status": subscription["status"], "name": lines.name_of(world, item["price"]), "price": item["price"],
        "quantity": item["quantity"], "ends": moment(ends), "cancel_at": moment(subscription["cancel_at"]),
        "becomes": lines.name_of(world, following) if following["id"] != item["price"]["id"] else None, "managed": bool(subscription["schedule"]),
        "waits": subscription["pending_update"], "latest": _open_bill(world, subscription),
    }  # fmt: skip


def listed(invoice: Object) -> Object:
    """An invoice as one line of a list."""
    return {
        "number": invoice["number"], "at": moment(invoice["status_transitions"]["finalized_at"] or invoice["created"]), "total": invoice["total"],
        "currency": invoice["currency"].upper(), "status": invoice["status"], "due": invoice["amount_remaining"], "id": invoice["id"],
        "subscription": invoicing.subscription_of(invoice),
    }  # fmt: skip


def _open_bill(world: World, subscription: Object) -> Object | None:
    """The invoice that is to be paid before everything is in order."""
    latest = world.found(subscription["latest_invoice"] or "")
    return listed(latest) if latest and latest["status"] == "open" else None
