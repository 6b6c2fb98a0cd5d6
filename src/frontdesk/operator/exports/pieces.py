"""Each file piece by piece: a list of rows from a place on, and the place where the next piece begins, or None."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from frontdesk.database import Console
from frontdesk.operator.events import actions as events
from frontdesk.operator.exports import store
from frontdesk.operator.exports.records import amount
from frontdesk.operator.organizations import lists
from frontdesk.operator.organizations import store as organizations
from frontdesk.operator.paging import page_of
from frontdesk.operator.revenue import store as revenue
from frontdesk.operator.users import store as users

PIECE = 500  # rows
MONTHS = 36
FIRST = (UUID(int=0), "")

Piece = tuple[list[Sequence[Any]], Any]
Cut = Callable[[Console, Mapping[str, str], Any], Awaitable[Piece]]


async def of_organizations(db: Console, asked: Mapping[str, str], place: UUID | None) -> Piece:
    """Organizations as their list shows them."""
    wanted = lists.Wanted(asked.get("q", ""), asked.get("state", "all"), asked.get("plan", ""), place)
    rows, older = page_of(await organizations.rows(db, await lists.chosen(db, wanted, PIECE + 1)), PIECE)
    owners, now = await organizations.owners(db, [one.id for one in rows]), datetime.now(UTC)
    written: list[Sequence[Any]] = []
    for one in rows:
        owner = owners.get(one.id)
        written.append((
            one.id, one.name, one.slug, owner.name if owner else None, owner.email if owner else None, one.plan, one.billing_interval, one.state(now)[0],
            one.messages, one.allowed, one.members, one.numbers, one.stopped, one.failed, amount(one.mrr), one.currency, one.trial_ends_at, one.ends_at,
            one.created_at, one.last_seen_at,
        ))  # fmt: skip
    return written, older


async def of_users(db: Console, asked: Mapping[str, str], place: UUID | None) -> Piece:
    """Users as their list shows them."""
    found, older = page_of(await users.search(db, asked.get("q", ""), place, PIECE + 1), PIECE)
    return [
        (
            one.id, one.name, one.email, one.confirmed, one.locked, one.has_factor, one.is_operator,
            "; ".join(str(each["name"]) for each in one.organizations), one.created_at, one.last_seen_at,
        )
        for one in found
    ], older  # fmt: skip


async def of_events(db: Console, asked: Mapping[str, str], place: UUID | None) -> Piece:
    """Billing events as their list shows them."""
    found, older = page_of(await events.find(db, asked.get("show", "all"), place, PIECE + 1), PIECE)
    return [
        (
            one.id, one.provider_event_id, one.type, one.organization_id, one.organization, one.happened_at, one.received_at, one.state, one.attempts,
            one.last_error,
        )
        for one in found
    ], older  # fmt: skip


async def of_invoices(db: Console, asked: Mapping[str, str], place: tuple[UUID, str] | None) -> Piece:
    """Every invoice of every organization."""
    found = await store.invoices(db, place or FIRST, PIECE)
    rows: list[Sequence[Any]] = [
        (
            one["organization_id"], one["organization"], one["id"], one["number"], one["status"], one["billing_reason"], one["currency"],
            *[amount(one[name]) for name in ("subtotal", "total", "amount_paid", "amount_remaining")], one["issued_at"], one["paid_at"], one["attempt_count"],
        )
        for one in found
    ]  # fmt: skip
    return rows, (found[-1]["organization_id"], found[-1]["id"]) if len(found) == PIECE else None


async def of_revenue(db: Console, asked: Mapping[str, str], place: None) -> Piece:
    """The last months, the oldest first; the last is not over."""
    return [
        (
            f"{one.month:%Y-%m}", "EUR", *[amount(each) for each in (one.mrr, one.fresh, one.expansion, one.contraction, one.churn, one.net)], one.paying,
            one.came, one.left_us, one.trials, one.converted, one.lapsed, one.failed,
        )
        for one in await revenue.months(db, MONTHS)
    ], None  # fmt: skip


CUTS: dict[str, Cut] = {"organizations": of_organizations, "users": of_users, "events": of_events, "invoices": of_invoices, "revenue": of_revenue}
