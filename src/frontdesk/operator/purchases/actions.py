"""Another plan for an organization that bought one, or the end of it: written down first, and then asked of the payment provider."""

from datetime import datetime
from uuid import UUID

from frontdesk.access import Actor
from frontdesk.billing import Change, Place
from frontdesk.database import Console
from frontdesk.errors import Conflict
from frontdesk.operator.log import store as log
from frontdesk.operator.organizations import actions
from frontdesk.operator.purchases import store
from frontdesk.operator.reasons import reason


class NothingToCancel(Conflict):
    """Nothing is bought here that could end, or its end is planned already."""


class NothingToKeep(Conflict):
    """Nothing was to end or to change here."""


def place(organization_id: UUID, by: Actor, why: str) -> Place:
    """Where something is changed, by an operator who says why. Raises ReasonMissing or ReasonTooLong."""
    return Place(organization_id, by, reason=reason(why))


async def order(db: Console, at: Place, change: Change) -> None:
    """Write down that this was asked for, before the provider is: whoever is killed meanwhile has left a trace."""
    organization = await actions.find(db, at.organization_id)
    asked = {"plan": {"from": change.now.plan_name, "to": change.plan.name}}
    if change.now.billing_interval != change.price.billing_interval:
        asked["interval"] = {"from": change.now.billing_interval, "to": change.price.billing_interval}
    details = {"name": organization.name, "reason": at.reason, "changed": asked}
    await log.record(db, "subscription.change_ordered", organization_id=at.organization_id, details=details)


async def order_end(db: Console, at: Place) -> str:
    """Write down that what it bought shall end with its period; what that is called. Raises NothingToCancel."""
    organization = await actions.find(db, at.organization_id)
    if not organization.bought or organization.ends_at:
        raise NothingToCancel
    details = {"name": organization.name, "plan": organization.plan, "reason": at.reason}
    await log.record(db, "subscription.cancellation_ordered", organization_id=at.organization_id, details=details)
    return organization.plan or ""


async def order_keeping(db: Console, at: Place) -> str:
    """Write down that what it bought shall go on as it is, whatever was planned; what that is called. Raises NothingToKeep."""
    organization = await actions.find(db, at.organization_id)
    if not organization.bought or not (organization.ends_at or organization.next_at):
        raise NothingToKeep
    details = {"name": organization.name, "plan": organization.plan, "reason": at.reason}
    await log.record(db, "subscription.keeping_ordered", organization_id=at.organization_id, details=details)
    return organization.plan or ""


async def tell(db: Console, at: Place, plan: str, ends_at: datetime | None) -> None:
    """Have its owners told by mail, once the provider has done it: that it ends then, or goes on after all."""
    await store.tell(db, at.organization_id, plan, at.reason or "", ends_at)
