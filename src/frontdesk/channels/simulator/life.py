"""What becomes of a message after it was accepted, which webhooks tell it, and what the faults do to those."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from frontdesk.channels.simulator.faults import Switchboard
from frontdesk.channels.simulator.records import Message, Outgoing, Pace, Person, Post, SandboxNumber, Update
from frontdesk.channels.simulator.webhooks import label_of, message_change, status_change


def planned(message: Message, pace: Pace, *, receipts: bool) -> Message:
    """The message with the times of its life: failed, or sent, delivered, and read if its reader says so."""
    if message.error_code is not None:
        return replace(message, failed_at=message.at + pace.sent_after)
    read_at = message.at + pace.read_after if receipts else None
    return replace(message, sent_at=message.at + pace.sent_after, delivered_at=message.at + pace.delivered_after, read_at=read_at)


def tell_message(number: SandboxNumber, person: Person, message: Message, faults: Switchboard, position: int) -> Update:
    """The webhook of a message from a phone. Out of order: every second one waits for the next to overtake it."""
    now = time.time()
    switch = faults.strike(number.phone_number_id, "reorder")
    due = now + switch.seconds if switch and switch.chances % 2 else now
    change = message_change(number, person, message)
    return Update(position, number.phone_number_id, due, change, label_of(message), message.wamid, now, mine=True)


def tell_statuses(
    number: SandboxNumber, person: Person, message: Message, faults: Switchboard, position: int, outgoing: Outgoing,
    *, early: bool,
) -> Iterator[Update]:  # fmt: skip
    """The webhooks of a message from a business. Out of order: the last status first; early: at once."""
    steps = list(_steps(message))
    if early:
        steps = [(status, at, message.at if status != "read" else at) for status, at, _ in steps]
    switch = faults.strike(number.phone_number_id, "reorder")
    if switch and steps:
        last = steps[-1][2]
        steps = [(status, at, last + switch.seconds * turn) for turn, (status, at, _) in enumerate(reversed(steps))]
    to_bsuid = outgoing.phone is None
    for turn, (status, at, due) in enumerate(steps):
        change = status_change(number, person, message, status, at, to_bsuid=to_bsuid)
        label = f"status {status}"
        yield Update(position + turn, number.phone_number_id, due, change, label, message.wamid, message.at)


def lost_and_late(updates: Sequence[Update], faults: Switchboard) -> tuple[list[Update], list[Post]]:
    """What is left of these webhooks on a bad line, and what to write into the log about the others."""
    left, notes = [], []
    for update in updates:
        if faults.strike(update.phone_number_id, "lose"):
            notes.append(_note(update, "lost for good"))
            continue
        if switch := faults.strike(update.phone_number_id, "drop"):
            notes.append(_note(update, "lost, comes again"))
            update.due += switch.seconds
        if switch := faults.strike(update.phone_number_id, "delay"):
            update.due += switch.seconds
        left.append(update)
    return left, notes


def _steps(message: Message) -> Iterator[tuple[str, float, float]]:
    """Each status with the time it bears and the time its webhook is due."""
    times = {
        "failed": message.failed_at,
        "sent": message.sent_at,
        "delivered": message.delivered_at,
        "read": message.read_at,
    }
    for status, at in times.items():
        if at is not None:
            yield status, at, at


def _note(update: Update, answer: str) -> Post:
    return Post(time.time(), update.label, answer, 0.0, update.change)
