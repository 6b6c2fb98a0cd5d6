"""What went beyond limits, billed once when its month is over; and the port to whoever turns it into money."""

from typing import Protocol
from uuid import UUID

import structlog

from frontdesk import audit
from frontdesk.database import Database, Tenant, Tenants
from frontdesk.errors import Conflict
from frontdesk.usage import ledger
from frontdesk.usage.records import Charge, Credit, Debtor, Owed

PIECE = 200  # organizations
NOTHING = "nothing"  # what a charge of less than half a cent is billed as
log = structlog.get_logger()


class UsageBiller(Protocol):
    """Whoever turns what went over into money. An adapter may be asked again: the same charge of an organization is billed once."""

    name: str

    async def bill(self, debtor: Debtor, charge: Charge) -> str:
        """Bill it, and return what the provider calls that."""


class NotEnoughCredit(Conflict):
    """What was paid ahead does not cover this."""


class Prepaid:
    """Takes it from what the organization has paid ahead."""

    name = "prepaid"

    def __init__(self, database: Database) -> None:
        """`database`: where the credit stands."""
        self._database = database

    async def bill(self, debtor: Debtor, charge: Charge) -> str:
        """Take it. Raises NotEnoughCredit."""
        source = f"overage:{charge.key}"
        async with self._database.tenants([debtor.organization_id]) as db:
            if not await ledger.book(db, debtor.organization_id, source, -charge.amount, charge.currency):
                raise NotEnoughCredit
        return source


async def bill_overage(database: Database, biller: UsageBiller, debtor: Debtor) -> list[Charge]:
    """Bill what an organization has used beyond its limits in months that are over, and is not billed. Returns what was.

    No call of the biller is inside of a transaction. Whoever is killed after one leaves the charge to be taken again in ten minutes, and the biller
    finds what it made. What the biller raises is raised, and nothing of that charge is noted.
    """
    organization_id, billed = debtor.organization_id, []
    async with database.tenants([organization_id]) as db:
        charges = await ledger.claim(db, organization_id)
    for charge in charges:
        try:
            item = await biller.bill(debtor, charge) if charge.amount else NOTHING
        except Exception:  # given back for another try, and raised again
            async with database.tenants([organization_id]) as db:
                await ledger.release(db, organization_id, charge)
            raise
        if await _settle(database, biller.name, debtor, charge, item):
            billed.append(charge)
    return billed


async def add_credit(database: Database, organization_id: UUID, source: str, amount: int, currency: str) -> bool:
    """Add what was paid ahead, in minor units; once for each source, such as the payment's own id. False when it was before."""
    async with database.tenants([organization_id]) as db:
        if not await ledger.buy(db, organization_id, source, amount, currency):
            return False
        details = {"amount": f"{amount / 100:.2f} {currency}"}
        await audit.append(db, "credit.bought", organization_id=organization_id, target_type="usage_credit", target_id=source, details=details)
    return True


async def take_credit_back(database: Database, organization_id: UUID, refund: str, amount: int, currency: str) -> int | None:
    """Take back what was paid back, once for each refund. What is spent or owed already stays so; returns what was taken, None when it was before."""
    async with database.tenants([organization_id]) as db:
        taken = await ledger.take_back(db, organization_id, f"refund:{refund}", amount, currency)
        if taken is None:
            return None
        details = {"amount": f"{taken / 100:.2f} {currency}", "refunded": f"{amount / 100:.2f} {currency}"}
        await audit.append(db, "credit.taken_back", organization_id=organization_id, target_type="usage_credit", target_id=refund, details=details)
    if taken < amount:
        log.error("credit was paid back that is spent already", organization=str(organization_id), refund=refund, spent=amount - taken, currency=currency)
    return taken


async def give_credit_back(database: Database, organization_id: UUID, refund: str, currency: str) -> bool:
    """Give back what a refund took that did not come about after all, once. False when it took nothing, or that was done before."""
    async with database.tenants([organization_id]) as db:
        taken = await ledger.taken_by(db, organization_id, f"refund:{refund}")
        if not taken or not await ledger.buy(db, organization_id, f"refund:{refund}:failed", taken, currency):
            return False
        details = {"amount": f"{taken / 100:.2f} {currency}"}
        await audit.append(db, "credit.given_back", organization_id=organization_id, target_type="usage_credit", target_id=refund, details=details)
    return True


async def credit(db: Tenant | Tenants, organization_id: UUID) -> Credit | None:
    """What the organization has paid ahead, and what of it is owed."""
    return await ledger.credit(db, organization_id)


async def owed(db: Tenant) -> list[Owed]:
    """What went beyond the limits up to now and is on no invoice yet, month by month; for the screen."""
    return await ledger.owed(db)


async def bill_by(database: Database, way: str) -> None:
    """Let every caller of `consume` know how the installation bills what goes beyond limits: it is said when a process starts."""
    await ledger.bill_by(database, way)


async def overage_due(database: Database) -> list[UUID]:
    """The organizations with something to bill of months that are over."""
    found: list[UUID] = []
    while piece := await ledger.due(database, found[-1] if found else ledger.NOBODY, PIECE):
        found += piece
    return found


async def _settle(database: Database, biller: str, debtor: Debtor, charge: Charge, item: str) -> bool:
    async with database.tenants([debtor.organization_id]) as db:
        if not await ledger.settle(db, debtor.organization_id, charge, biller, item, debtor.invoice):
            return False
        details = {"name": charge.metric, "units": charge.units, "amount": charge.amount, "currency": charge.currency, "month": charge.period_start.isoformat()}
        await audit.append(
            db, "usage.overage_billed", organization_id=debtor.organization_id, target_type="usage_metric", target_id=charge.metric, details=details
        )
    return True
