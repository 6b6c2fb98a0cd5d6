"""Making an organization for a customer: its owner is a user there is, or a new one, who sets a password by a link."""

from dataclasses import dataclass
from uuid import UUID

from frontdesk.database import Console, new_id
from frontdesk.errors import BadInput
from frontdesk.operator.log import store as log
from frontdesk.operator.organizations import store
from frontdesk.users import Email, Name

LONGEST_TRIAL = 365  # days


class EmailHeld(BadInput):
    """Somebody may still ask for this email back. Take another one, or wait for a week."""


class NoSuchPlan(BadInput):
    """Choose a plan that is sold."""


class NotSoLong(BadInput):
    """A trial lasts between 1 and 365 days."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Whom the organization is made for, and with what. trial_days: until it has to be bought."""

    name: str
    owner_email: Email
    owner_name: Name
    plan: str
    trial_days: int


async def make(db: Console, customer: Customer) -> tuple[UUID, bool]:
    """Make it; its id, and whether its owner is new and has to be written to. Raises what is wrong, naming the field."""
    if not any(one["id"] == customer.plan and one["retired_at"] is None for one in await store.plans(db)):
        raise NoSuchPlan(field="plan")
    if not 1 <= customer.trial_days <= LONGEST_TRIAL:
        raise NotSoLong(field="trial_days")
    organization_id = new_id()
    made = await store.make(db, organization_id, customer.owner_email, customer.owner_name, customer.name, customer.plan, customer.trial_days)
    if made is None:
        raise EmailHeld(field="owner_email")
    details = {"name": customer.name, "plan": customer.plan, "days": customer.trial_days, "email": customer.owner_email}
    await log.record(db, "organization.created", organization_id=organization_id, details=details)
    return organization_id, made
