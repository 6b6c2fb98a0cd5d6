"""The SQL of Stripe's events: each kept once, taken by one worker at a time, handled or put off, and shown to the operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.billing.records import KeptEvent
from frontdesk.database import Database, Platform, new_id


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is kept: what happened to what, of which customer, and a few words more."""

    provider_event_id: str
    type: str
    customer_id: str | None
    object_id: str | None
    happened_at: datetime
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """An event in the hands of this worker. attempts: how often it was taken, this time included."""

    id: UUID
    organization_id: UUID | None
    provider_event_id: str
    type: str
    provider_customer_id: str | None
    object_id: str | None
    payload: Mapping[str, Any]
    attempts: int


@dataclass(frozen=True, slots=True)
class State:
    """How the inbox stands. refused: calls of the last day that Stripe had not signed."""

    waiting: int
    oldest: datetime | None
    given_up: int
    refused: int


async def keep(database: Database, event: Event, by_way: str) -> bool:
    """Keep an event, durably; False when it is here already."""
    rows = await database.call(
        "select private.keep_billing_event(%(id)s, %(provider_event_id)s, %(type)s, %(customer)s, %(object)s, %(happened_at)s, %(payload)s, %(way)s) as is_new",
        {
            "id": new_id(), "provider_event_id": event.provider_event_id, "type": event.type, "customer": event.customer_id, "object": event.object_id,
            "happened_at": event.happened_at, "payload": Jsonb(dict(event.payload)), "way": by_way,
        },
    )  # fmt: skip
    return bool(rows[0]["is_new"])


async def count_refused(database: Database, calls: int) -> None:
    """Count calls that were refused."""
    await database.call("select private.count_billing_refusals(%(calls)s)", {"calls": calls})


async def take(db: Platform, seconds: int) -> list[Taken]:
    """The event that waits longest and all others that wait of its customer, for so many seconds."""
    return await db.records(
        Taken,
        "select id, organization_id, provider_event_id, type, provider_customer_id, object_id, payload, attempts from private.take_billing_events(%(seconds)s)",
        {"seconds": seconds},
    )


async def postpone(db: Platform, events: Sequence[UUID], why: str, seconds: float | None) -> None:
    """Put events off for some seconds; without a number they wait until somebody looks."""
    await db.run("select private.postpone_billing_events(%(events)s, %(why)s, %(seconds)s)", {"events": list(events), "why": why, "seconds": seconds})


async def replay(db: Platform, event: UUID) -> bool:
    """Let an event be handled again. False when there is none."""
    return bool(await db.value("select private.replay_billing_event(%(event)s)", {"event": event}))


async def listed(db: Platform, which: str, before: UUID | None, how_many: int) -> list[KeptEvent]:
    """The newest events before one, each with the slug of its organization. which: all, waiting or given_up."""
    return await db.records(
        KeptEvent,
        "select id, organization_id, organization, provider_event_id, type, provider_customer_id, object_id, arrived_by, happened_at, received_at,"
        " next_try_at, attempts, last_error, given_up_at, handled_at from private.list_billing_events(%(which)s, %(before)s, %(how_many)s)",
        {"which": which, "before": before, "how_many": how_many},
    )


async def state(db: Platform) -> State:
    """How the inbox stands."""
    found = await db.record(State, "select waiting, oldest, given_up, refused from private.billing_inbox_state()")
    return found or State(0, None, 0, 0)


async def live_customers(db: Platform, after: UUID, how_many: int) -> list[UUID]:
    """The next organizations that have something running at Stripe, or a checkout that is open."""
    rows = await db.rows("select organization_id from private.list_live_customers(%(after)s, %(how_many)s)", {"after": after, "how_many": how_many})
    return [row["organization_id"] for row in rows]
