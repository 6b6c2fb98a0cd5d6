"""The verbs of auto replies: answer a batch of messages; write, order and switch rules."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from frontdesk import audit, messages, usage
from frontdesk.auto_replies import store
from frontdesk.auto_replies.answers import Answer, Asker, answerable, book_of, decide
from frontdesk.auto_replies.proposals import problems, tidy
from frontdesk.auto_replies.records import Proposal, Rule
from frontdesk.auto_replies.shelf import MOST, House, Shelf
from frontdesk.database import Tenant, Tenants, new_id
from frontdesk.errors import NotFound
from frontdesk.messages import Draft, NewMessage

# What PostgreSQL said before: every batch asks PostgreSQL what has changed meanwhile.
_shelf = Shelf()
# Organizations by their ids as numbers: hashing UUIDs is slow.
ReadHouses = Callable[[Mapping[int, UUID]], Awaitable[dict[int, House]]]


class NoSuchRule(NotFound):
    """This rule does not exist any more."""


# ---- answering ----


async def open_houses(db: Tenants) -> ReadHouses:
    """Ask what has changed, and read by which rules organizations answer, for `answer`: what is asked meanwhile waits for PostgreSQL only once."""
    asked = _shelf.seen
    changes = await store.houses_changed(db, asked.transaction, MOST + 1)

    async def read(organization_ids: Mapping[int, UUID]) -> dict[int, House]:
        rows = await changes()
        changed = {row["organization_id"].int: row["changed"] for row in rows if row["organization_id"]}
        as_of = _shelf.hear(asked, rows[0]["run"], rows[0]["seen"], changed)
        houses = {one: house for one in organization_ids if (house := _shelf.take(one))}  # before anybody else hears of a later change
        missing = [organization_ids[one] for one in organization_ids.keys() - houses.keys()]
        for row in await store.open_books(db, missing) if missing else ():
            rules = [Rule(**raw | {"id": UUID(raw["id"])}) for raw in row["rules"]]
            one = row["organization_id"].int
            houses[one] = _shelf.put(one, as_of, House(row["name"], book_of(rules, row["locale"])))
        return {one: house for one, house in houses.items() if house.book.rules}

    return read


async def answer(
    db: Tenants,
    new: Sequence[NewMessage],
    per_minute: int,
    read_houses: ReadHouses,
    claim: Callable[[Draft], UUID | None] | None = None,
) -> int:
    """Queue what the rules answer to these messages; how many answers will be sent.

    per_minute: automatic answers a conversation may get in a minute; what is left of it stands in each message. claim: see `messages.queue`.
    """
    asking = answerable(new, datetime.now(UTC))
    if not asking:
        return 0
    houses = await read_houses({message.organization_id.int: message.organization_id for message in asking})
    answers = decide(asking, houses, await _cooling(db, asking, houses), per_minute)
    queued = await messages.queue(db, [one.draft for one in answers], claim)
    sent = [one for one, place in zip(answers, queued, strict=True) if place.refused is None]
    if sent:
        await _remember(db, sent)
    return len(sent)


async def _cooling(db: Tenants, asking: Sequence[NewMessage], houses: dict[int, House]) -> dict[Asker, set[UUID]]:
    waits = {one: {rule.id: rule.cooldown_seconds for rule in house.book.rules} for one, house in houses.items() if house.book.cools_down}
    askers = {(message.organization_id, message.contact_id) for message in asking if message.organization_id.int in waits} if waits else None
    cooling: dict[Asker, set[UUID]] = {}
    if askers:
        for row in await store.cooldowns(db, [{"organization_id": one, "contact_id": contact} for one, contact in askers]):
            organization = row["organization_id"].int
            if row["age"] < waits[organization].get(row["auto_reply_id"], 0):
                cooling.setdefault((organization, row["contact_id"].int), set()).add(row["auto_reply_id"])
    return cooling


async def _remember(db: Tenants, sent: Sequence[Answer]) -> None:
    counts = Counter((one.draft.organization_id, one.rule.id) for one in sent)
    await store.count_answers(db, [{"organization_id": one, "id": rule, "answers": n} for (one, rule), n in counts.items()])
    waiting = {(one.draft.organization_id, one.rule.id, one.contact_id) for one in sent if one.rule.cooldown_seconds}
    if waiting:
        started = [{"organization_id": one, "auto_reply_id": rule, "contact_id": contact} for one, rule, contact in waiting]
        await store.start_cooldowns(db, started)


# ---- writing rules ----


async def create(db: Tenant, proposal: Proposal, *, enabled: bool = True) -> UUID:
    """Add a rule below the others, within the plan's limit. Raises what is wrong, naming the field."""
    rule = _checked(proposal)
    await usage.require(db, "auto_replies")
    await store.lock(db)
    rule_id = new_id()
    await store.add(db, rule_id, rule, enabled)
    await _settle(db)
    await _note(db, "created", rule_id, {"name": rule.name, "trigger": rule.trigger, "on": enabled})
    return rule_id


async def edit(db: Tenant, rule_id: UUID, proposal: Proposal) -> None:
    """Change what a rule says."""
    rule = _checked(proposal)
    await store.lock(db)
    before = await find(db, rule_id)
    await store.change(db, rule_id, rule)
    await _settle(db)
    changed = {name: {"from": old, "to": new} for name, old, new in _differences(before, rule)}
    if changed:
        await _note(db, "changed", rule_id, {"name": rule.name, "changed": changed})


async def revise(db: Tenant, rule_id: UUID, change: Callable[[Rule], Proposal]) -> Rule:
    """Change part of what a rule says, as it stands when nobody else changes it. Returns it as it stands then."""
    await store.lock(db)
    await edit(db, rule_id, change(await find(db, rule_id)))
    return await find(db, rule_id)


async def delete(db: Tenant, rule_id: UUID) -> str:
    """Delete a rule for good. Returns its name."""
    await store.lock(db)
    rule = await find(db, rule_id)
    await store.remove(db, rule_id)
    await _settle(db)
    await _note(db, "deleted", rule_id, {"name": rule.name})
    return rule.name


async def switch(db: Tenant, rule_id: UUID, on: bool) -> Rule:
    """Let a rule answer, or not. Returns it as it stands then."""
    await store.lock(db)
    if await store.switch(db, rule_id, on):
        await store.hold_back(db)
        rule = await find(db, rule_id)
        await _note(db, "switched_on" if on else "switched_off", rule_id, {"name": rule.name, "changed": {"on": {"from": not on, "to": on}}})
        return rule
    return await find(db, rule_id)


async def move(db: Tenant, rule_id: UUID, to: int) -> None:
    """Put a rule at a place, 1 being the top; beyond the ends is the end. A fallback stays below the others."""
    await store.lock(db)
    rules = await store.list_rules(db)
    moving = next((rule for rule in rules if rule.id == rule_id), None)
    if moving is None:
        raise NoSuchRule
    was, order = rules.index(moving), [rule for rule in rules if rule is not moving]
    order.insert(max(0, to - 1), moving)
    order.sort(key=lambda rule: rule.trigger == "fallback")  # a stable sort: the order within both kinds stays
    await store.place(db, [rule.id for rule in order])
    await store.hold_back(db)
    if order.index(moving) != was:
        await _note(db, "moved", rule_id, {"name": moving.name, "changed": {"place": {"from": was + 1, "to": order.index(moving) + 1}}})


async def find(db: Tenant, rule_id: UUID) -> Rule:
    """One rule. Raises NoSuchRule."""
    rule = await store.find(db, rule_id)
    if rule is None:
        raise NoSuchRule
    return rule


def _checked(proposal: Proposal) -> Proposal:
    rule = tidy(proposal)
    for problem in problems(rule):
        raise problem
    return rule


async def _settle(db: Tenant) -> None:
    await store.place(db, [rule.id for rule in await store.list_rules(db)])
    await store.hold_back(db)


def _differences(before: Rule, after: Proposal) -> Iterable[tuple[str, object, object]]:
    for name in ("name", "trigger", "match", "reply", "cooldown_seconds"):
        if getattr(before, name) != getattr(after, name):
            yield name, getattr(before, name), getattr(after, name)
    if list(before.keywords) != list(after.keywords):
        yield "keywords", list(before.keywords), list(after.keywords)


async def _note(db: Tenant, what: str, rule_id: UUID, details: dict[str, object]) -> None:
    await audit.append(db, f"auto_reply.{what}", target_type="auto_reply", target_id=str(rule_id), details=details)
