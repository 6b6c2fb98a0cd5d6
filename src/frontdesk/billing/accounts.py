"""The SQL of buying: the customer that an organization is, and the one checkout that is open."""

from dataclasses import dataclass
from uuid import UUID

from frontdesk.billing.records import ENDED
from frontdesk.database import Tenants


@dataclass(frozen=True, slots=True)
class Opened:
    """An account as whoever makes its customer needs it. version: how often it was stored."""

    customer_id: str | None
    version: int
    name: str
    locale: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An account as whoever begins a checkout finds it."""

    customer_id: str | None
    currency: str | None
    checkout_id: str | None
    checkout_lookup_key: str | None
    provider_subscription_id: str | None
    status: str | None

    @property
    def lives(self) -> bool:
        """Whether a subscription runs."""
        return self.provider_subscription_id is not None and self.status not in ENDED


async def open_account(db: Tenants, organization_id: UUID) -> Opened:
    """The account of the organization, made now if there is none."""
    await db.run(
        "insert into public.billing_accounts (organization_id) values (%(organization_id)s) on conflict do nothing", {"organization_id": organization_id}
    )
    found = await db.record(
        Opened,
        """
        select a.provider_customer_id as customer_id, a.sync_version as version, o.name, o.locale
        from public.billing_accounts a join public.organizations o on o.id = a.organization_id where a.organization_id = %(organization_id)s
        """,
        {"organization_id": organization_id},
    )
    assert found is not None
    return found


async def note_customer(db: Tenants, organization_id: UUID, customer_id: str) -> str:
    """Keep the customer that was made, unless there is one already; returns whichever it is."""
    return str(
        await db.value(
            """
            update public.billing_accounts set provider_customer_id = coalesce(provider_customer_id, %(customer_id)s)
            where organization_id = %(organization_id)s returning provider_customer_id
            """,
            {"organization_id": organization_id, "customer_id": customer_id},
        )
    )


async def begin_checkout(db: Tenants, organization_id: UUID, begun_by: UUID) -> Standing:
    """Say that a checkout is begun, so that one that was begun before is not kept any more; returns what was so until now."""
    await db.run(
        "update public.billing_accounts set checkout_begun = %(begun_by)s where organization_id = %(organization_id)s",
        {"organization_id": organization_id, "begun_by": begun_by},
    )
    found = await standing_of(db, organization_id)
    assert found is not None
    return found


async def standing_of(db: Tenants, organization_id: UUID) -> Standing | None:
    """The account and whether a subscription runs; None before the first checkout."""
    return await db.record(
        Standing,
        """
        select a.provider_customer_id as customer_id, a.currency, a.checkout_id, a.checkout_lookup_key, s.provider_subscription_id, s.status
        from public.billing_accounts a left join public.subscriptions s on s.organization_id = a.organization_id
        where a.organization_id = %(organization_id)s
        """,
        {"organization_id": organization_id},
    )


async def note_checkout(db: Tenants, organization_id: UUID, begun_by: UUID, checkout_id: str, lookup_key: str) -> bool:
    """Keep the checkout that was made. False when another one was begun since."""
    return bool(
        await db.value(
            """
            update public.billing_accounts set checkout_id = %(checkout_id)s, checkout_lookup_key = %(lookup_key)s
            where organization_id = %(organization_id)s and checkout_begun = %(begun_by)s returning true
            """,
            {"organization_id": organization_id, "begun_by": begun_by, "checkout_id": checkout_id, "lookup_key": lookup_key},
        )
    )


async def forget_checkout(db: Tenants, organization_id: UUID, checkout_id: str) -> None:
    """The checkout is over."""
    await db.run(
        "update public.billing_accounts set checkout_id = null, checkout_lookup_key = null"
        " where organization_id = %(organization_id)s and checkout_id = %(checkout_id)s",
        {"organization_id": organization_id, "checkout_id": checkout_id},
    )


async def plan_name(db: Tenants, lookup_key: str) -> str | None:
    """What the plan is called that is sold under this key."""
    found: str | None = await db.value(
        "select p.name from public.plan_prices c join public.subscription_plans p on p.id = c.plan_id where c.lookup_key = %(key)s and c.retired_at is null",
        {"key": lookup_key},
    )
    return found


async def begin_change(db: Tenants, organization_id: UUID, begun_by: UUID, seconds: float) -> bool:
    """Take the turn to change the plan, for so many seconds. False while it is another's, who has not been silent for longer than his own."""
    return bool(
        await db.value(
            """
            update public.billing_accounts set change_begun = %(begun_by)s, change_until = now() + make_interval(secs => %(seconds)s)
            where organization_id = %(organization_id)s and (change_until is null or change_until < now()) returning true
            """,
            {"organization_id": organization_id, "begun_by": begun_by, "seconds": seconds},
        )
    )


async def hold_change(db: Tenants, organization_id: UUID, begun_by: UUID, seconds: float) -> bool:
    """Keep the turn for so many seconds more. False where it went to another, who may have changed the plan since."""
    return bool(
        await db.value(
            """
            update public.billing_accounts set change_until = now() + make_interval(secs => %(seconds)s)
            where organization_id = %(organization_id)s and change_begun = %(begun_by)s returning true
            """,
            {"organization_id": organization_id, "begun_by": begun_by, "seconds": seconds},
        )
    )


async def end_change(db: Tenants, organization_id: UUID, begun_by: UUID) -> None:
    """Pass the turn on."""
    await db.run(
        "update public.billing_accounts set change_begun = null, change_until = null"
        " where organization_id = %(organization_id)s and change_begun = %(begun_by)s",
        {"organization_id": organization_id, "begun_by": begun_by},
    )
