"""What can happen in the simulated world: somebody writes, a business answers, a business reads."""

import time
from dataclasses import dataclass

from frontdesk.channels.simulator import life
from frontdesk.channels.simulator.graph_errors import GraphError
from frontdesk.channels.simulator.identifiers import new_wamid
from frontdesk.channels.simulator.records import Message, Outgoing, Person, SandboxNumber
from frontdesk.channels.simulator.world import World

MAGIC_AT_ONCE = {"5550056": 131056, "5550429": 130429}
MAGIC_LATER = {"5550026": 131026, "5550047": 131047, "5550049": 131049, "5550050": 131050, "5550472": 130472}
MAGIC_BAD_GATEWAY = "5550500"
"""Numbers ending like this never get a message: the error comes at once, later as a status, or as a 502 page.

Seven digits, so that nobody who numbers customers from 1 to a million meets one by chance."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody types on the phone: a text, or an emoji for the message `target` ("" takes it back)."""

    text: str | None = None
    emoji: str | None = None
    target: str | None = None
    reply_to: str | None = None
    wamid: str | None = None
    at: float | None = None


async def write(world: World, number: SandboxNumber, person: Person, note: Note) -> Message:
    """Somebody writes or reacts on their phone: keep it, then tell the business."""
    await world.know(person)
    at = time.time() if note.at is None else note.at
    wamid = note.wamid or new_wamid(person.phone or person.bsuid, mine=True)
    message = Message(
        wamid, number.phone_number_id, person.bsuid, True, "text" if note.emoji is None else "reaction", at,
        text=note.text, emoji=note.emoji, target=note.target, reply_to=note.reply_to, sent_at=time.time(),
    )  # fmt: skip
    pair = (number.phone_number_id, person.bsuid)
    world.windows[pair] = max(at, world.windows.get(pair, at))
    await world.keep(message, [life.tell_message(number, person, message, world.faults, world.positions(1))])
    return message


async def accept(world: World, number: SandboxNumber, outgoing: Outgoing) -> Message:
    """A business sends: check WhatsApp's rules, keep it, and plan what becomes of it. Raises GraphError."""
    person = _recipient(world, number, outgoing)
    if not world.may_answer(number.phone_number_id, person.bsuid):
        await world.recall(number.phone_number_id, person.bsuid)
        person = world.people.get(person.bsuid) or person
    code = await _fate(world, number, person, outgoing)
    world.rates.take(number.phone_number_id, person.bsuid, time.monotonic())
    await world.know(person)
    message = life.planned(_message(number, person, outgoing, code), world.settings.pace, receipts=person.read_receipts)
    early = world.faults.strike(number.phone_number_id, "early_statuses") is not None
    updates = list(life.tell_statuses(number, person, message, world.faults, world.positions(3), outgoing, early=early))
    world.answered(number.phone_number_id, person.bsuid)
    await world.keep(message, updates)
    if early:
        await world.told([update for update in updates if update.due <= message.at])
    return message


async def mark_read(world: World, number: SandboxNumber, outgoing: Outgoing) -> None:
    """A business has read a message. Raises GraphError 131009 if this number never received it."""
    message = await world.message(outgoing.target or "")
    if message is None or not message.mine or message.phone_number_id != number.phone_number_id:
        raise GraphError(131009, "Param message_id must be the id of a message that was received by this number.")
    await world.seen(message, typing=outgoing.typing)


def breaks_the_gateway(world: World, outgoing: Outgoing) -> bool:
    """Whether the recipient is the one for whom Meta answers with a 502 page."""
    return world.settings.magic_recipients and (outgoing.phone or "").endswith(MAGIC_BAD_GATEWAY)


def _recipient(world: World, number: SandboxNumber, outgoing: Outgoing) -> Person:
    """Who is written to, if the rules about recipients allow it."""
    if outgoing.bsuid is not None:
        return world.people.get(outgoing.bsuid) or Person(outgoing.bsuid)
    assert outgoing.phone is not None
    if outgoing.phone == "".join(sign for sign in number.display_number if sign.isdigit()):
        raise GraphError(131021)
    if world.settings.magic_recipients and outgoing.phone[-7:] in MAGIC_AT_ONCE:
        raise GraphError(MAGIC_AT_ONCE[outgoing.phone[-7:]])
    return world.people.found(outgoing.phone, field="to")


async def _fate(world: World, number: SandboxNumber, person: Person, outgoing: Outgoing) -> int | None:
    """The code with which this message will fail after it was accepted; None if it will arrive."""
    if outgoing.bsuid is not None and world.people.get(outgoing.bsuid) is None:
        return 131026
    if outgoing.kind == "reaction" and not await _in_chat(world, number, person, outgoing.target or ""):
        raise GraphError(131009, "Param reaction['message_id'] must be the id of a message in this chat.")
    if world.settings.magic_recipients and (person.phone or "")[-7:] in MAGIC_LATER:
        return MAGIC_LATER[(person.phone or "")[-7:]]
    if world.may_answer(number.phone_number_id, person.bsuid):
        return None
    if world.settings.window_refusal == "at once":
        raise GraphError(131047)
    return 131047


async def _in_chat(world: World, number: SandboxNumber, person: Person, wamid: str) -> bool:
    message = await world.message(wamid)
    return message is not None and (message.phone_number_id, message.bsuid) == (number.phone_number_id, person.bsuid)


def _message(number: SandboxNumber, person: Person, outgoing: Outgoing, code: int | None) -> Message:
    return Message(
        new_wamid(person.phone or person.bsuid, mine=False), number.phone_number_id, person.bsuid, False, outgoing.kind,
        time.time(), text=outgoing.text, emoji=outgoing.emoji, target=outgoing.target, reply_to=outgoing.reply_to,
        opaque=outgoing.opaque, error_code=code,
    )  # fmt: skip
