"""What an organization has beside what it bought: another plan, and exceptions from what its plan allows."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from frontdesk.database import Console
from frontdesk.errors import BadInput, Conflict
from frontdesk.operator.log import store as log
from frontdesk.operator.organizations import actions
from frontdesk.operator.reasons import reason
from frontdesk.operator.terms import store

TRIED, PAID_ELSEWHERE = "tried", "paid_elsewhere"


class BoughtThere(Conflict):
    """This plan was bought through the payment provider: it is changed there, under “Change what it bought”."""


class NoSuchPlan(BadInput):
    """Choose a plan that is sold."""


class BadKey(BadInput):
    """Choose what the exception is about."""


class BadValue(BadInput):
    """Write a whole number, or nothing for no limit; of a feature on or off."""


class NothingToRestore(Conflict):
    """There is no such exception."""


async def give_plan(db: Console, organization_id: UUID, plan: str, how: str) -> None:
    """Another plan, tried on or paid elsewhere. Raises BoughtThere or NoSuchPlan."""
    before = await actions.find(db, organization_id)
    outcome = await store.give_plan(db, organization_id, plan, how == PAID_ELSEWHERE)
    if outcome == "bought":
        raise BoughtThere
    if outcome != "done":
        raise NoSuchPlan(field="plan")
    after = await actions.find(db, organization_id)
    changed = {
        name: {"from": getattr(before, name), "to": getattr(after, name)} for name in ("plan", "status") if getattr(before, name) != getattr(after, name)
    }
    if changed:
        await log.record(db, "subscription.plan_changed", organization_id=organization_id, details={"name": before.name, "changed": changed})


async def override(db: Console, organization_id: UUID, key: str, written: str, until: datetime | None, why: str) -> None:
    """An exception: a limit, or a feature given or taken, perhaps for a time. Raises what is wrong, naming the field."""
    said, organization = reason(why), await actions.find(db, organization_id)
    value = await _value(db, key, written)
    if until is not None and until <= datetime.now(UTC):
        raise actions.NotADay(field="expires")
    before = await store.override(db, organization_id, key, value, said, until)
    details = {"name": organization.name, "key": key, "reason": said, "changed": {key: {"from": before, "to": value}}}
    await log.record(db, "entitlement.overridden", organization_id=organization_id, target_type="entitlement", target_id=key, details=details)


async def restore(db: Console, organization_id: UUID, key: str) -> None:
    """What the plan says holds again. Raises NothingToRestore."""
    organization = await actions.find(db, organization_id)
    if not await store.restore(db, organization_id, key):
        raise NothingToRestore
    details = {"name": organization.name, "key": key}
    await log.record(db, "entitlement.restored", organization_id=organization_id, target_type="entitlement", target_id=key, details=details)


async def _value(db: Console, key: str, written: str) -> Any:
    """A feature is on or off; of a metric a number, or nothing for no limit."""
    features, metrics = await store.entitlement_keys(db)
    plain = "".join(written.split()).replace(",", "").lower()
    if key in features and plain in ("on", "off"):
        return plain == "on"
    if key in metrics and (not plain or (plain.isascii() and plain.isdigit() and len(plain) <= 12)):
        return int(plain) if plain else None
    raise BadValue(field="value") if key in features or key in metrics else BadKey(field="key")
