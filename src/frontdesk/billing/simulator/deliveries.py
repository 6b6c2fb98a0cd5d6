"""Events on their way to endpoints: who takes which, and what became of it."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from frontdesk.billing.simulator import drafts, faults
from frontdesk.billing.simulator.records import Pace
from frontdesk.billing.simulator.thin_events import told
from frontdesk.billing.simulator.world import World

AT_ONCE = 20
LOG_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request that is to be made now. `again`: once more after it was taken."""

    position: int
    endpoint: str
    url: str
    body: bytes
    signature: str
    born: float
    tries: int
    again: bool


def sign(secret: str, body: bytes, at: int) -> str:
    """The header that lets the receiver know who speaks. Source: https://docs.stripe.com/webhooks#verify-manually"""
    return f"t={at},v1=" + hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def claim(world: World, pace: Pace) -> tuple[list[Parcel], float | None]:
    """What is due and held by nobody, for this process alone for a while, and when the next will be due (None: nothing waits)."""
    now = time.time()
    rows = world.db.execute(
        "select * from deliveries where settled_at is null and due <= ?1 and held_until <= ?1 order by due, position limit ?2", (now, AT_ONCE)
    ).fetchall()
    parcels = [parcel for row in rows if (parcel := _parcel(world, row, now)) is not None]
    hold = now + (pace.webhook_timeout + 5) * AT_ONCE
    for parcel in parcels:
        world.db.execute("update deliveries set held_until = ? where position = ?", (hold, parcel.position))
    row = world.db.execute("select min(max(due, held_until)) as next from deliveries where settled_at is null").fetchone()
    return parcels, row["next"]


def settle(world: World, parcel: Parcel, answer: str, pace: Pace) -> None:
    """Note what the endpoint said; who did not say 2xx is tried again later, for three days."""
    now, taken = time.time(), answer.startswith("2")
    event = world.db.execute("select event from deliveries where position = ?", (parcel.position,)).fetchone()["event"]
    if taken:
        world.db.execute(
            "update objects set body = json_set(body, '$.pending_webhooks', max(0, json_extract(body, '$.pending_webhooks') - 1))"
            " where kind = 'event' and id = (select event from deliveries where position = ? and taken = 0)", (parcel.position,),
        )  # fmt: skip
        drafts.hear(world, event)
    ended = now if taken or now - parcel.born > pace.give_up_after else None
    later = now + min(pace.retry_longest, pace.retry_first * 2.0 ** min(parcel.tries, 30))
    world.db.execute(
        "update deliveries set tries = tries + 1, held_until = 0, due = ?, settled_at = ?, taken = ?, answer = ? where position = ?",
        (later, ended, int(taken), answer, parcel.position),
    )


def release(world: World) -> None:
    """Nobody holds anything: for the beginning of a process, whose predecessor may have been killed in the middle. At worst something comes twice."""
    world.db.execute("update deliveries set held_until = 0 where settled_at is null")


def waiting(world: World) -> int:
    """How many webhooks are not settled yet."""
    return int(world.db.execute("select count(*) from deliveries where settled_at is null").fetchone()[0])


def log(world: World) -> list[dict[str, Any]]:
    """The latest webhooks with what became of them, the newest first: event, type, url, tries, answer, taken, settled_at, due."""
    rows = world.db.execute(
        "select d.event, json_extract(e.body, '$.type') as type, json_extract(w.body, '$.url') as url, d.tries, d.answer, d.taken, d.settled_at, d.due, d.born"
        " from deliveries d left join objects e on e.id = d.event left join objects w on w.id = d.endpoint order by d.position desc limit ?",
        (LOG_LENGTH,),
    )
    return [dict(row) for row in rows]


def _parcel(world: World, row: Any, now: float) -> Parcel | None:
    """The request for this row, or None where a switch or the end of its endpoint says that there is none now."""
    endpoint, event = world.found(row["endpoint"]), world.found(row["event"])
    if endpoint is None or event is None or endpoint.get("status") != "enabled":
        _end(world, row["position"], now, "its endpoint is gone")
        return None
    if row["tries"] == 0 and faults.strike(world, "drop"):
        _end(world, row["position"], now, "lost for good")
        return None
    if not row["shifted"] and (wait := _held_back(world)):
        world.db.execute("update deliveries set due = ?, shifted = 1 where position = ?", (now + wait, row["position"]))
        return None
    secret = "whsec_wrong" if faults.strike(world, "wrong_secret") else str(world.private(endpoint["id"]).get("secret"))
    stale = faults.strike(world, "stale_timestamp")
    body = json.dumps(told(event), indent=2).encode()
    signature = sign(secret, body, int(now - (stale.seconds if stale else 0)))
    again = faults.strike(world, "duplicate") is not None
    url = endpoint.get("url") or world.private(endpoint["id"])["url"]
    return Parcel(row["position"], endpoint["id"], url, body, signature, row["born"], row["tries"], again)


def _held_back(world: World) -> float:
    """Seconds that a switch holds this one back. Out of order: every second one waits for the next to overtake it."""
    wait = 0.0
    if switch := faults.strike(world, "delay"):
        wait += switch.seconds
    if (switch := faults.strike(world, "reorder")) and switch.chances % 2:
        wait += switch.seconds
    return wait


def _end(world: World, position: int, now: float, answer: str) -> None:
    world.db.execute("update deliveries set settled_at = ?, answer = ? where position = ?", (now, answer, position))
