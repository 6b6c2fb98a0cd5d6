"""The statements of the simulator's store: each is one job for its thread."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple
from typing import Any

from frontdesk.channels.simulator.records import Message, Person, SandboxNumber, Update


def add_message(db: sqlite3.Connection, message: Message, updates: Sequence[Update]) -> bool:
    """Keep a message and the webhooks it causes; false if its id is there already (the webhooks are kept)."""
    kept = db.execute(
        "insert into messages (wamid, phone_number_id, bsuid, mine, type, at, text, emoji, target, reply_to, opaque,"
        " sent_at, delivered_at, read_at, failed_at, error_code)"
        " values (:wamid, :phone_number_id, :bsuid, :mine, :type, :at, :text, :emoji, :target,"
        " :reply_to, :opaque, :sent_at, :delivered_at, :read_at, :failed_at, :error_code)"
        " on conflict (wamid) do nothing",
        asdict(message),
    )
    add_updates(db, updates)
    return kept.rowcount == 1


def add_updates(db: sqlite3.Connection, updates: Sequence[Update]) -> None:
    """Keep webhooks until they are confirmed."""
    db.executemany("insert or replace into updates values (?, ?, ?, ?, ?, ?, ?, ?)", [astuple(update) for update in updates])


def settle(db: sqlite3.Connection, updates: Sequence[Update], at: float, taken: bool) -> None:
    """These webhooks are done with; if Frontdesk has taken them, tick the messages that the phone sent."""
    db.executemany("delete from updates where position = ?", [(update.position,) for update in updates])
    mine = [(at, update.wamid) for update in updates if update.mine and taken]
    db.executemany("update messages set delivered_at = coalesce(delivered_at, ?) where wamid = ?", mine)


def message(db: sqlite3.Connection, wamid: str) -> Message | None:
    """The message with this id."""
    row = db.execute("select * from messages where wamid = ?", (wamid,)).fetchone()
    return _message(row) if row else None


def mark_read(db: sqlite3.Connection, seen: Message, at: float) -> None:
    """The business has read this message and all before it in the chat."""
    db.execute(
        "update messages set read_at = ? where phone_number_id = ? and bsuid = ? and mine and read_at is null"
        " and position <= (select position from messages where wamid = ?)",
        (at, seen.phone_number_id, seen.bsuid, seen.wamid),
    )


def chat(db: sqlite3.Connection, phone_number_id: str, bsuid: str, limit: int) -> list[Message]:
    """The latest messages between a number and a person, oldest first."""
    rows = db.execute(
        "select * from messages where phone_number_id = ? and bsuid = ? order by position desc limit ?",
        (phone_number_id, bsuid, limit),
    )
    return [_message(row) for row in rows][::-1]


def received(db: sqlite3.Connection, bsuid: str, phone_number_id: str | None, limit: int) -> list[Message]:
    """What a person's phone was sent, by one number or by all, oldest first."""
    rows = db.execute(
        "select * from messages where bsuid = ? and not mine and coalesce(phone_number_id = ?, true) order by position desc limit ?",
        (bsuid, phone_number_id, limit),
    )
    return [_message(row) for row in rows][::-1]


def people_of(db: sqlite3.Connection, phone_number_id: str, limit: int) -> list[str]:
    """The bsuids of the people in this number's chats, the latest first."""
    rows = db.execute(
        "select bsuid from messages where phone_number_id = ? group by bsuid order by max(position) desc limit ?",
        (phone_number_id, limit),
    )
    return [row["bsuid"] for row in rows]


def save_person(db: sqlite3.Connection, person: Person) -> None:
    """Keep a person."""
    db.execute("insert or replace into people values (?, ?, ?, ?, ?)", astuple(person))


def save_numbers(db: sqlite3.Connection, numbers: Iterable[SandboxNumber]) -> None:
    """Keep numbers, and their names as they are now."""
    db.executemany(
        "insert into numbers (phone_number_id, display_number, organization_name) values (?, ?, ?)"
        " on conflict (phone_number_id) do update set display_number = excluded.display_number,"
        " organization_name = excluded.organization_name",
        [astuple(number) for number in numbers],
    )


def save_faults(db: sqlite3.Connection, phone_number_id: str, faults: dict[str, Any]) -> None:
    """Keep a number's switches."""
    db.execute("update numbers set faults = ? where phone_number_id = ?", (json.dumps(faults), phone_number_id))


def everything(db: sqlite3.Connection) -> dict[str, Any]:
    """What the world holds in its head: people, numbers, faults, windows, and unconfirmed webhooks."""
    numbers = db.execute("select * from numbers").fetchall()
    windows = db.execute("select phone_number_id, bsuid, max(at) as at from messages where mine group by 1, 2")
    return {
        "people": [_person(row) for row in db.execute("select * from people")],
        "numbers": [SandboxNumber(*row[:3]) for row in numbers],
        "faults": {row["phone_number_id"]: json.loads(row["faults"]) for row in numbers},
        "windows": {(row["phone_number_id"], row["bsuid"]): row["at"] for row in windows},
        "updates": [_update(row) for row in db.execute("select * from updates order by position")],
        "position": db.execute("select coalesce(max(position), 0) from updates").fetchone()[0],
    }


def forget(db: sqlite3.Connection) -> None:
    """Empty the phones; numbers stay known."""
    db.execute("delete from messages")
    db.execute("delete from updates")
    db.execute("delete from people")
    db.execute("update numbers set faults = '{}'")


def _person(row: sqlite3.Row) -> Person:
    return Person(**dict(row) | {"read_receipts": bool(row["read_receipts"])})


def _update(row: sqlite3.Row) -> Update:
    return Update(**dict(row) | {"mine": bool(row["mine"])})


def _message(row: sqlite3.Row) -> Message:
    values = dict(row) | {"mine": bool(row["mine"])}
    del values["position"]
    return Message(**values)
