"""Changing what is sold."""

import re
from dataclasses import dataclass

from frontdesk.database import Console
from frontdesk.errors import BadInput, Conflict, NotFound
from frontdesk.operator.log import store as log
from frontdesk.operator.plans import store
from frontdesk.operator.plans.records import INTERVALS, Plan

LONGEST_NAME = 80


class NoSuchPlan(NotFound):
    """There is no such plan."""


class NameMissing(BadInput):
    """Give the plan a name of at most 80 characters."""


class BadId(BadInput):
    """Use small letters, digits and dashes, beginning with a letter, 40 at the most: it stands in prices and never changes."""


class IdTaken(BadInput):
    """There is a plan of this id."""


class SoAlready(Conflict):
    """It is so already; or it is the plan that is left without one, which stays."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a plan shall be. prices: minor units by interval; None: not sold so."""

    name: str
    description: str
    limits: dict[str, int | None]
    features: dict[str, bool]
    overage: dict[str, int]
    prices: dict[str, int | None]


async def find(db: Console, plan_id: str) -> Plan:
    """One plan. Raises NoSuchPlan."""
    found = next((one for one in await store.plans(db) if one.id == plan_id), None)
    if found is None:
        raise NoSuchPlan
    return found


async def change(db: Console, plan_id: str, offer: Offer) -> bool:
    """Make a plan what is offered. Its limits hold at once for whoever has it; a new price for whoever buys. Says whether a price changed."""
    before = await find(db, plan_id)
    name = " ".join(offer.name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise NameMissing(field="name")
    await store.change(db, plan_id, name, offer.description.strip()[:500], offer.limits, offer.features, offer.overage)
    priced = {one: amount for one, amount in offer.prices.items() if one in INTERVALS and before.prices.get(one) != amount}
    for interval, amount in priced.items():
        await store.change_price(db, plan_id, interval, before.currency, amount)
    after = await find(db, plan_id)
    was, now = before.edited | _prices(before), after.edited | _prices(after)
    changed = {field: {"from": was.get(field), "to": now.get(field)} for field in sorted(was.keys() | now.keys()) if was.get(field) != now.get(field)}
    if changed:
        await log.record(db, "plan.changed", target_type="plan", target_id=plan_id, details={"name": name, "changed": changed})
    return bool(priced)


async def make(db: Console, plan_id: str, name: str) -> None:
    """A new plan, with nothing in it and no price. Raises what is wrong."""
    name = " ".join(name.split())
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", plan_id):
        raise BadId(field="plan_id")
    if not 0 < len(name) <= LONGEST_NAME:
        raise NameMissing(field="name")
    if not await store.make(db, plan_id, name):
        raise IdTaken(field="plan_id")
    await log.record(db, "plan.created", target_type="plan", target_id=plan_id, details={"name": name})


async def retire(db: Console, plan_id: str, retired: bool) -> None:
    """Sell it no more, or again; whoever has it keeps it. Raises SoAlready."""
    plan = await find(db, plan_id)
    if not await store.retire(db, plan_id, retired):
        raise SoAlready
    changed = {"for_sale": {"from": retired, "to": not retired}}
    await log.record(db, "plan.changed", target_type="plan", target_id=plan_id, details={"name": plan.name, "changed": changed})


def _prices(plan: Plan) -> dict[str, int]:
    return {f"price_{interval}": amount for interval, amount in plan.prices.items()}
