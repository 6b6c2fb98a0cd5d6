"""What the page of the simulated account shows: the clock and what is ahead, its settings, its customers, and what went out."""

from typing import Any

from frontdesk.billing.simulator import agenda, charging, deliveries, faults, methods, portal_screen, settings, standing
from frontdesk.billing.simulator.cards import CARDS
from frontdesk.billing.simulator.pay_screen import moment
from frontdesk.billing.simulator.periods import months_after
from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput, NotFound

Object = dict[str, Any]
AHEAD, NEWEST, CUSTOMERS = 8, 12, 50
STEPS = {"hour": 3_600, "day": 86_400, "three_days": 3 * 86_400, "week": 7 * 86_400}
GIVEN = tuple(card for card in CARDS if card.kept is None and card.token not in ("pm_card_mastercard", "pm_card_de"))
"""The cards that a customer can be given: all that can be kept."""
OWNER = "organization_id"
"""The name under which the product notes on a customer whose he is."""


def view(world: World, owners: set[str] | None) -> Object:
    """The page, for whoever may see the customers of these organizations (None: all)."""
    own = [one for one in reversed(world.find("customer")) if _is_of(one, owners)][:CUSTOMERS]
    tasks = [one for one in agenda.tasks(world) if owners is None or _customer_of(world, one.id) in {customer["id"] for customer in own}][:AHEAD]
    plan = settings.described(world)
    return {
        "clock": moment(world.now()), "ahead": [{"at": moment(one.at), "what": one.what, "whose": _name(world, one.id)} for one in tasks],
        "plan": plan | {"retry_days": ", ".join(map(str, plan["retry_days"]))}, "on": faults.on(world), "switches": list(faults.OPTIONS),
        "customers": [_shown(world, one) for one in own], "posts": deliveries.log(world)[:NEWEST], "waiting": deliveries.waiting(world),
    }  # fmt: skip


def person(world: World, id: str, owners: set[str] | None) -> Object:
    """The page of one customer. Raises NotFound for one that is not this visitor's."""
    customer = customer_of(world, id, owners)
    charges = [one | {"at": moment(one["created"])} for one in reversed(world.find("charge", customer=id))][:NEWEST]
    return {
        "customer": customer, "subscriptions": [portal_screen.subscribed(world, one) for one in reversed(world.find("subscription", customer=id))],
        "kept": [methods.said(one) for one in world.find("payment_method", customer=id)], "charges": charges, "given": GIVEN,
        "invoices": [portal_screen.listed(one) for one in reversed(world.find("invoice", customer=id))][:NEWEST], "clock": moment(world.now()),
    }  # fmt: skip


def customer_of(world: World, id: str, owners: set[str] | None) -> Object:
    """The customer, if he is one of these organizations'. Raises NotFound."""
    found = world.found(id)
    if found is None or found["object"] != "customer" or not _is_of(found, owners):
        raise NotFound("There is no such customer, or it is another organization's.")
    return found


def target(world: World, step: str) -> int:
    """Where the clock goes at this step. Raises BadInput."""
    now = world.now()
    if step == "next":
        return settings.target(world, {"to": "next"})
    if step == "month":
        return months_after(now, 1) + 2 * STEPS["hour"]
    if step not in STEPS:
        raise BadInput("There is no such step.")
    return now + STEPS[step]


def take_back(world: World, charge: str, owners: set[str] | None, *, disputed: bool) -> None:
    """Give the money of a charge back, or let the customer's bank take it. Raises NotFound, BadInput."""
    found = world.found(charge)
    if found is None or found["object"] != "charge":
        raise NotFound("There is no such charge.")
    customer_of(world, str(found["customer"]), owners)
    if found["status"] != "succeeded" or found["refunded"] or found["disputed"]:
        raise BadInput("There is nothing to take back.")
    if disputed:
        charging.dispute(world, found)
    else:
        charging.refund(world, found, int(found["amount"]) - int(found["amount_refunded"]), "requested_by_customer")


def plan_of(fields: Object) -> Object:
    """The settings as they were typed. Raises BadInput beside the field at fault."""
    days = [part.strip() for part in str(fields.get("retry_days", "")).split(",") if part.strip()]
    if not days or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in days):
        raise BadInput("Write days after the first failure, such as 3, 7, 14.", field="retry_days")
    upcoming = str(fields.get("upcoming_days", ""))
    if not (upcoming.isascii() and upcoming.isdigit() and len(upcoming) < 4):
        raise BadInput("Write a number of days.", field="upcoming_days")
    return settings.parse({"retry_days": [int(part) for part in days], "after_retries": fields.get("after_retries"), "upcoming_days": int(upcoming)})


def _is_of(customer: Object, owners: set[str] | None) -> bool:
    return owners is None or (customer.get("metadata") or {}).get(OWNER) in owners


def _shown(world: World, customer: Object) -> Object:
    subscriptions = world.find("subscription", customer=customer["id"])
    living = [one for one in subscriptions if one["status"] not in standing.OVER] or subscriptions
    usual = methods.default_of(world, customer, living[-1] if living else None)
    return {
        "id": customer["id"], "name": customer["name"] or customer["email"] or customer["id"], "delinquent": customer["delinquent"],
        "subscription": portal_screen.subscribed(world, living[-1]) if living else None, "card": methods.said(world.get(usual)) if usual else None,
    }  # fmt: skip


def _customer_of(world: World, id: str) -> str | None:
    found = world.found(id) or {}
    return None if found.get("customer") is None else str(found["customer"])


def _name(world: World, id: str) -> str:
    customer = world.found(_customer_of(world, id) or "") or {}
    return str(customer.get("name") or customer.get("email") or "")
