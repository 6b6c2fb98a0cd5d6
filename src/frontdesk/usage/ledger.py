"""The SQL of the books: what is added, made anew, counted again and billed. Whoever is killed in between is followed by somebody who goes on."""

from datetime import date
from uuid import UUID

from frontdesk.database import Database, Platform, Tenant, Tenants
from frontdesk.usage.records import Charge, Credit, Drift, Owed

NOBODY = UUID(int=0)


async def turn(database: Database, job: str, unit: str) -> bool:
    """Whether a job of the clock is this worker's now. unit: `hour` or `day`."""
    ((row),) = await database.call("select private.take_turn(%(job)s, %(unit)s) as mine", {"job": job, "unit": unit})
    return bool(row["mine"])


async def take_calls(database: Database) -> None:
    """Count the calls of the API that are not counted yet."""
    await database.call("select private.count_api_calls()")


async def roll_up(database: Database, after: UUID, how_many: int) -> list[tuple[UUID, date]]:
    """Add what the next counters have counted to the ledger; the organizations whose counters these were, in their order, each with the first day of it."""
    rows = await database.call("select organization_id, first_day from private.roll_up_usage(%(after)s, %(how_many)s)", {"after": after, "how_many": how_many})
    return [(row["organization_id"], row["first_day"]) for row in rows]


async def return_stale(database: Database) -> int:
    """Give back the blocks that nobody spends any more; how many units that were."""
    ((row),) = await database.call("select private.return_stale_usage() as units")
    return int(row["units"])


async def make_days(database: Database, organization_id: UUID, back: str, late: str, first_day: date | None = None) -> None:
    """Make the figures of the days since `back` anew, or since an earlier one of the last eight. late: how long before it came a message may be written."""
    await database.call(
        """
        select private.make_usage_days(
          %(organization_id)s,
          least(((now() - %(back)s::interval) at time zone 'UTC')::date, greatest(%(first_day)s::date, (now() at time zone 'UTC')::date - 8)),
          (now() at time zone 'UTC')::date, %(late)s::interval)
        """,
        {"organization_id": organization_id, "back": back, "late": late, "first_day": first_day},
    )


async def note_full(database: Database, organization_id: UUID) -> int:
    """Owe an organization what it is told of its limits; how many notices are new."""
    ((row),) = await database.call("select private.note_full_usage(%(organization_id)s) as told", {"organization_id": organization_id})
    return int(row["told"])


async def organizations(database: Database, after: UUID, how_many: int) -> list[UUID]:
    """The next organizations."""
    rows = await database.call("select organization_id from private.list_organizations_after(%(after)s, %(how_many)s)", {"after": after, "how_many": how_many})
    return [row["organization_id"] for row in rows]


async def recount(db: Platform, organization_id: UUID) -> list[Drift]:
    """Count an organization's messages again from their rows, and note where its counters differ."""
    return await db.records(
        Drift,
        "select metric, period_start, counted, recounted from private.recount_usage(%(organization_id)s)",
        {"organization_id": organization_id},
    )


async def drifts(database: Database) -> list[dict[str, object]]:
    """Where counters differed at their last recount: organization, metric, period_start, counted, recounted, found_at."""
    return await database.call("select organization, metric, period_start, counted, recounted, found_at from private.list_usage_drifts()")


async def claim(db: Tenants, organization_id: UUID) -> list[Charge]:
    """What went beyond limits in months that are over, and is not billed."""
    return await db.records(
        Charge,
        "select metric, period_start, period_end, units, cost, currency, attempts from private.claim_overage(%(organization_id)s) order by 2, 1",
        {"organization_id": organization_id},
    )


async def settle(db: Tenants, organization_id: UUID, charge: Charge, biller: str, item: str, invoice: str | None) -> bool:
    """Note where a charge was billed. False when it was before."""
    return bool(
        await db.value(
            "select private.settle_overage(%(organization_id)s, %(metric)s, %(period)s, %(biller)s, %(item)s, %(invoice)s)",
            {
                "organization_id": organization_id, "metric": charge.metric, "period": charge.period_start, "biller": biller, "item": item,
                "invoice": invoice,
            },
        )
    )  # fmt: skip


async def release(db: Tenants, organization_id: UUID, charge: Charge) -> None:
    """Let go of a charge that could not be billed."""
    await db.run(
        "select private.release_overage(%(organization_id)s, %(metric)s, %(period)s)",
        {"organization_id": organization_id, "metric": charge.metric, "period": charge.period_start},
    )


async def book(db: Tenants, organization_id: UUID, source: str, amount: int, currency: str) -> bool:
    """Add to the credit, or take from it, once for each source. False when there is not as much."""
    return bool(
        await db.value(
            "select private.book_credit(%(organization_id)s, %(source)s, %(amount)s, %(currency)s)",
            {"organization_id": organization_id, "source": source, "amount": amount, "currency": currency},
        )
    )


async def buy(db: Tenants, organization_id: UUID, source: str, amount: int, currency: str) -> bool:
    """Add what was bought to the credit, once for each source. False when it was before."""
    return bool(
        await db.value(
            "select private.buy_credit(%(organization_id)s, %(source)s, %(amount)s, %(currency)s)",
            {"organization_id": organization_id, "source": source, "amount": amount, "currency": currency},
        )
    )


async def take_back(db: Tenants, organization_id: UUID, source: str, amount: int, currency: str) -> int | None:
    """Take back from the credit, once for each source and never what is spent or owed. Returns how much that was; None when it was done before."""
    taken: int | None = await db.value(
        "select private.take_credit_back(%(organization_id)s, %(source)s, %(amount)s, %(currency)s)",
        {"organization_id": organization_id, "source": source, "amount": amount, "currency": currency},
    )
    return taken


async def taken_by(db: Tenants, organization_id: UUID, source: str) -> int:
    """What was taken from the credit for this source."""
    taken = await db.value(
        "select -amount from public.usage_credits where organization_id = %(organization_id)s and source_id = %(source)s",
        {"organization_id": organization_id, "source": source},
    )
    return int(taken or 0)


async def credit(db: Tenant | Tenants, organization_id: UUID) -> Credit | None:
    """What was bought ahead, in the currency of the plan, and what of it is owed; None only where the subscription was removed by hand."""
    return await db.record(
        Credit,
        """
        select p.currency, p.overage <> '{}' as sold,
          coalesce((select sum(c.amount) from public.usage_credits c
            where c.organization_id = s.organization_id and c.currency = p.currency), 0)::bigint as balance,
          coalesce((select sum((o.cost + 999) / 1000) from public.usage_overage o
            where o.organization_id = s.organization_id and o.currency = p.currency and o.billed_at is null), 0)::bigint as owed
        from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id where s.organization_id = %(organization_id)s
        """,
        {"organization_id": organization_id},
    )


async def owed(db: Tenant) -> list[Owed]:
    """What went beyond limits and no invoice has yet: not billed, or billed for the renewal that is still to come."""
    return await db.records(
        Owed,
        """
        select o.metric, o.period_start, private.period_end(s.usage_anchor, o.period_start) as period_end, o.cost, o.currency
        from public.usage_overage o join public.subscriptions s on s.organization_id = o.organization_id
        where o.organization_id = %(organization_id)s and o.units > 0 and (o.billed_at is null or o.waits_for = s.current_period_end)
        order by o.period_start, o.metric
        """,
        {"organization_id": db.organization_id},
    )


async def bill_by(database: Database, way: str) -> None:
    """Keep how the installation bills what goes beyond limits."""
    await database.call("select private.bill_overage_by(%(way)s)", {"way": way})


async def due(database: Database, after: UUID, how_many: int) -> list[UUID]:
    """The next organizations with something to bill of months that are over."""
    rows = await database.call("select organization_id from private.list_overage_due(%(after)s, %(how_many)s)", {"after": after, "how_many": how_many})
    return [row["organization_id"] for row in rows]
