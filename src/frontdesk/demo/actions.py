"""Loading the sample data."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from frontdesk import audit, channels, usage
from frontdesk.database import Tenant, new_id
from frontdesk.demo import rows, store
from frontdesk.demo.rules import RULES, Rule
from frontdesk.demo.script import Thread, threads
from frontdesk.errors import NotAllowed
from frontdesk.settings import Settings


class NoSampleData(NotAllowed):
    """Sample data can be loaded in development only: its contacts live on the sandbox number."""


async def load(db: Tenant, settings: Settings, now: datetime | None = None) -> bool:
    """Fill the organization with a shop of contacts, conversations and rules; False when that was done before.

    Its contacts write to the sandbox number; nothing is sent and nothing is counted. Raises NoSampleData.
    """
    if not settings.simulated:
        raise NoSampleData
    now = now or datetime.now(UTC)
    if not await store.mark_loaded(db, now):
        return False
    said = threads(now)
    place = rows.Place(await channels.open_sandbox(db, settings), channels.SANDBOX_SCOPE, db.actor.user_id, {})
    place = replace(place, rules=await _add_rules(db, said, now))
    await _add_people(db, said, place)
    await audit.append(
        db,
        "sample_data.loaded",
        target_type="organization",
        target_id=db.organization_id,
        details={"contacts": len(said)},
    )
    return True


async def _add_people(db: Tenant, said: Sequence[Thread], place: rows.Place) -> None:
    contacts, identities, conversations, messages = [], [], [], []
    for number, thread in enumerate(said, 1):
        contact_id, conversation_id = new_id(thread.said[0].at), new_id(thread.said[0].at)
        contacts.append(rows.contact(thread, contact_id, place))
        identities += rows.identities(thread, contact_id, place)
        conversations.append(rows.conversation(thread, conversation_id, contact_id, place))
        messages += rows.messages(thread, conversation_id, place, number)
    await store.add_contacts(db, contacts)
    await store.add_identities(db, identities)
    await store.add_conversations(db, conversations)
    await store.add_messages(db, messages)


async def _add_rules(db: Tenant, said: Sequence[Thread], now: datetime) -> dict[str, UUID]:
    """The shop's rules behind those that are there, as many as the plan has room for; their ids by key."""
    position, room = await store.last_position(db), await _room_for_rules(db)
    ids = {rule.key: new_id() for rule in RULES[:room]}
    answers: dict[str, list[datetime]] = {}
    for one in (one for thread in said for one in thread.said if one.line.rule):
        answers.setdefault(one.line.rule or "", []).append(one.at)
    added = [_rule_row(rule, answers.get(rule.key, []), now) for rule in RULES[:room]]
    await store.add_rules(db, [row | {"id": ids[row["key"]], "position": position + n} for n, row in enumerate(added, 1)])
    return ids


def _rule_row(rule: Rule, answers: Sequence[datetime], now: datetime) -> dict[str, Any]:
    return {
        "key": rule.key, "name": rule.name, "trigger": rule.trigger, "match": rule.match, "keywords": rule.keywords,
        "reply": rule.reply, "cooldown_seconds": rule.cooldown_seconds, "enabled_at": now if rule.enabled else None,
        "answered_count": len(answers), "last_answered_at": max(answers, default=None),
    }  # fmt: skip


async def _room_for_rules(db: Tenant) -> int:
    one = next(one for one in await usage.overview(db) if one.metric == "auto_replies")
    return len(RULES) if one.allowed is None else max(min(len(RULES), one.allowed - one.used), 0)
