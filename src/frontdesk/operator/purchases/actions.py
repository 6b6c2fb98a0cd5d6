"""Another plan for an organization that bought one: looked at first, and then asked of the payment provider."""

from uuid import UUID

from frontdesk.access import Actor
from frontdesk.billing import Change, Place
from frontdesk.database import Console
from frontdesk.operator.log import store as log
from frontdesk.operator.organizations import actions
from frontdesk.operator.reasons import reason


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
