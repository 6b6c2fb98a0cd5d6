"""The simulated account inside one transaction: its objects, its clock, and the events that tell of changes."""

import json
import secrets
import sqlite3
import string
import time
from collections.abc import Iterator
from typing import Any

from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import missing
from frontdesk.billing.simulator.records import API_VERSION, Call, SimulatorSettings

ALPHABET = string.ascii_letters + string.digits
CLOCK = "clock"


class World:
    """All of the account, for as long as one call takes. Objects are plain dicts in Stripe's shape; what is read is a copy."""

    def __init__(self, db: sqlite3.Connection, settings: SimulatorSettings, call: Call | None = None) -> None:
        """Look at the account through this transaction."""
        self.settings = settings
        self.call = call or Call()
        self.db = db
        """The transaction itself, for what is no object."""

    def now(self) -> int:
        """The simulated time, in seconds since 1970: the real one and what the clock was advanced by."""
        return int(time.time()) + int(self.private(CLOCK).get("ahead", 0))

    def advance(self, seconds: int) -> int:
        """Turn the clock forward and say what it shows now. Nothing happens by itself in between."""
        self.put_private(CLOCK, {"ahead": int(self.private(CLOCK).get("ahead", 0)) + seconds})
        return self.now()

    def new_id(self, prefix: str, length: int = 24) -> str:
        """A new id, such as `cus_` and so many letters and digits."""
        return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(length))

    def get(self, id: str, kind: str | None = None, param: str = "id") -> dict[str, Any]:
        """The object with this id. Raises StripeError (resource_missing) naming `param` if it is none of `kind`, or deleted.

        That is a 404 for what the call's address names, and a 400 for what its parameters name.
        """
        found = self.found(id)
        if found is None or found.get("deleted") or (kind is not None and found["object"] != kind):
            raise missing(kind or "object", id, param, 404 if id in self.call.path.split("/") else 400)
        return found

    def found(self, id: str) -> dict[str, Any] | None:
        """The object with this id, or what is left of it after it was deleted, or None."""
        row = self.db.execute("select body from objects where id = ?", (id,)).fetchone()
        return json.loads(row["body"]) if row else None

    def put(self, object: dict[str, Any]) -> dict[str, Any]:
        """Keep this object as it is now, new or known, and return it."""
        self.db.execute(
            "insert into objects (id, kind, body) values (?, ?, ?) on conflict (id) do update set kind = excluded.kind, body = excluded.body",
            (object["id"], object["object"], json.dumps(object)),
        )
        return object

    def find(self, kind: str, **equal: Any) -> list[dict[str, Any]]:
        """The objects of a kind with these values, the oldest first. A name may be a path: `find("price", **{"recurring.interval": "month"})`."""
        customer = equal.pop("customer", None)
        wanted = json.dumps({f"$.{name}": value for name, value in equal.items()})
        if customer is None:
            rows = self.db.execute(
                "select body from objects where kind = ?1"
                " and not exists (select w.key from json_each(?2) w where json_extract(body, w.key) is not w.value) order by position", (kind, wanted),
            )  # fmt: skip
        else:
            rows = self.db.execute(
                "select body from objects where customer = ?3 and kind = ?1"
                " and not exists (select w.key from json_each(?2) w where json_extract(body, w.key) is not w.value) order by position",
                (kind, wanted, customer),
            )
        return [json.loads(row["body"]) for row in rows]

    def newest(self, kind: str, after: str | None = None, **equal: Any) -> Iterator[dict[str, Any]]:
        """As `find`, the newest first, from behind the object `after` on, and only as many as are taken."""
        customer = equal.pop("customer", None)
        wanted = json.dumps({f"$.{name}": value for name, value in equal.items()})
        if customer is None:
            rows = self.db.execute(
                "select body from objects where kind = ?1 and position < coalesce((select position from objects where id = ?3), 9e18)"
                " and not exists (select w.key from json_each(?2) w where json_extract(body, w.key) is not w.value) order by position desc",
                (kind, wanted, after),
            )
        else:
            rows = self.db.execute(
                "select body from objects where customer = ?4 and kind = ?1 and position < coalesce((select position from objects where id = ?3), 9e18)"
                " and not exists (select w.key from json_each(?2) w where json_extract(body, w.key) is not w.value) order by position desc",
                (kind, wanted, after, customer),
            )
        return (json.loads(row["body"]) for row in rows)

    def delete(self, id: str) -> dict[str, Any]:
        """Delete the object, and return what Stripe answers and keeps: its id and that it is gone."""
        gone = {"id": id, "object": self.get(id)["object"], "deleted": True}
        self.db.execute("update objects set kind = 'deleted', body = ? where id = ?", (json.dumps(gone), id))
        return gone

    def private(self, id: str) -> dict[str, Any]:
        """What Stripe knows about this object, or by this name, and shows nobody; empty at first."""
        row = self.db.execute("select body from privates where id = ?", (id,)).fetchone()
        return json.loads(row["body"]) if row else {}

    def put_private(self, id: str, known: dict[str, Any]) -> None:
        """Know this and nothing else."""
        self.db.execute("insert or replace into privates (id, body) values (?, ?)", (id, json.dumps(known)))

    def answered(self, key: str, since: float) -> sqlite3.Row | None:
        """What was answered under this idempotency key since then, if anything."""
        self.db.execute("delete from answers where at < ?", (since,))
        row: sqlite3.Row | None = self.db.execute("select path, digest, status, request_id, body from answers where key = ?", (key,)).fetchone()
        return row

    def keep_answer(self, key: str, path: str, digest: str, status: int, request_id: str, body: str) -> None:
        """Give this answer to whoever asks the same under the same key."""
        self.db.execute("insert into answers values (?, ?, ?, ?, ?, ?, ?)", (key, path, digest, time.time(), status, request_id, body))

    def emit(self, type: str, object: dict[str, Any], previous: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Tell every endpoint that listens to this type; returns the event.

        previous: the object before the change; the event names what differs, and where nothing does there is no event (None).
        """
        data: dict[str, Any] = {"object": object}
        if previous is not None:
            data["previous_attributes"] = differing(previous, object)
            if not data["previous_attributes"]:
                return None
        request = {"id": self.call.request_id, "idempotency_key": self.call.idempotency_key}
        event = shapes.make("event", id=self.new_id("evt"), api_version=API_VERSION, created=self.now(), data=data, request=request, type=type)
        born = time.time()
        for endpoint in self.find("webhook_endpoint", status="enabled"):
            if type in endpoint["enabled_events"] or "*" in endpoint["enabled_events"]:
                event["pending_webhooks"] += 1
                self.db.execute("insert into deliveries (event, endpoint, born, due) values (?, ?, ?, ?)", (event["id"], endpoint["id"], born, born))
        return self.put(event)


def differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What was otherwise before: whole values, and in objects inside only the fields that differ, as Stripe tells it."""
    told: dict[str, Any] = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        inside = isinstance(old, dict) and isinstance(new, dict) and "object" not in old
        told[name] = differing(old, new) if inside else old  # type: ignore[arg-type]  # both were just seen to be dicts
    return told
