"""The story of what arrives, told for a whole batch in one transaction: the only place that knows it from beginning to end."""

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext

import structlog
from psycopg import OperationalError
from psycopg.errors import UniqueViolation

from frontdesk import auto_replies, contacts, messages
from frontdesk.channels import Channel, InboundMessage, InboundStatus, Lane, about, derived_id, read
from frontdesk.database import Database, Tenants
from frontdesk.inbound import store
from frontdesk.inbound.packs import unpacked
from frontdesk.inbound.records import Delivery, Failure, Pack, Told
from frontdesk.outbound import Ahead

log = structlog.get_logger()
Channels = dict[Lane, Channel]
# of each channel the newest events that are neither message nor status stay for the operator to look at
OTHERS_KEPT = 1000


class NotYet(Exception):
    """The batch met a passing fault of the database, or another worker on its way; it is still kept and will be told later."""


class ToldBefore(NotYet):
    """A message of the batch came before. The next try has to ask which."""


async def tell(
    database: Database,
    channels: Channels,
    each: int | None,
    most: int,
    answers_per_minute: int,
    part: int | None = None,
    *,
    looked_for: bool = True,
    ahead: Ahead | None = None,
) -> Told:
    """Take what is kept on these lanes and tell its story, all or nothing; what breaks the batch is isolated and kept aside.

    each: how many of one lane at most; None: the lanes' part is one queue, in order of arrival. ahead: claims answers at once.
    looked_for: False spares the question which messages are stored already, and raises ToldBefore if one is.
    """
    packs: list[Pack] = []
    try:
        with nullcontext() if ahead is None else ahead:
            async with database.tenants([lane.organization_id for lane in channels], durable=False) as db:
                packs = await (store.take_arrived(db, channels, most, part or 0) if each is None else store.take(db, channels, each, most, part))
                return await _tell(db, channels, packs, answers_per_minute, looked_for, ahead)
    except UniqueViolation as error:
        raise NotYet(str(error)) if looked_for else ToldBefore from error
    except OperationalError as error:
        raise NotYet(str(error)) from error
    except Exception as error:  # noqa: BLE001 - whatever breaks a batch is isolated, so that the lane goes on
        log.warning("a batch of deliveries broke; halving it", packs=len(packs), error=repr(error))
        return await _isolate(database, channels, packs, answers_per_minute, error)


async def _isolate(database: Database, channels: Channels, packs: Sequence[Pack], answers_per_minute: int, error: Exception) -> Told:
    """Tell the halves apart from each other until the one that breaks stands alone; keep that one with its error."""
    if not packs:
        raise error
    if len(packs) == 1:
        if len(unpacked(packs[0])) == 1:
            return await _set_aside(database, packs[0], error)
        packs = await _take_apart(database, packs[0])
    middle = len(packs) // 2
    told = [await _tell_half(database, channels, half, answers_per_minute) for half in (packs[:middle], packs[middle:]) if half]
    return _sum(told)


async def _take_apart(database: Database, pack: Pack) -> list[Pack]:
    """Keep each event of a pack by itself, if the pack is still there. A process that ends here or later leaves nothing told in part."""
    async with database.tenants([pack.organization_id], durable=False) as db:
        alone = [pack._replace(id=one.id, payload=one.payload, events=1) for found in await store.take_again(db, [pack]) for one in unpacked(found)]
        await store.put_back(db, alone)
    return alone


async def _tell_half(database: Database, channels: Channels, half: Sequence[Pack], answers_per_minute: int) -> Told:
    try:
        async with database.tenants(list({pack.organization_id for pack in half}), durable=False) as db:
            return await _tell(db, channels, await store.take_again(db, half), answers_per_minute)
    except (OperationalError, UniqueViolation) as error:
        raise NotYet(str(error)) from error
    except Exception as error:  # noqa: BLE001 - as above, one half at a time
        return await _isolate(database, channels, half, answers_per_minute, error)


async def _set_aside(database: Database, pack: Pack, error: Exception) -> Told:
    async with database.tenants([pack.organization_id]) as db:
        deliveries = [one for found in await store.take_again(db, [pack]) for one in unpacked(found)]
        failures = [Failure(one, f"{type(error).__name__}: {error}") for one in deliveries]
        await store.keep_failures(db, failures)
    return Told(_served(deliveries), 0, frozenset(), 0, frozenset(), tuple(failures))


async def _tell(db: Tenants, channels: Channels, packs: Sequence[Pack], answers_per_minute: int, looked_for: bool = True, ahead: Ahead | None = None) -> Told:
    """The whole story, in order."""
    deliveries = [delivery for pack in packs for delivery in unpacked(pack)]
    arrived, statuses, failures, others = _read(deliveries)
    houses = await auto_replies.open_houses(db)
    scopes = {lane.channel_id.int: channel.scope for lane, channel in channels.items()}
    met = await contacts.meet(db, [contacts.Arrival(d.organization_id, scopes[d.channel_id.int], m.sender, m.sent_at) for d, m in arrived])
    inbound = [_inbound(delivery, message, contact) for (delivery, message), contact in zip(arrived, met, strict=True)]
    new_messages = await messages.record_inbound(db, inbound, answers_per_minute, looked_for=looked_for)
    changed = await messages.record_statuses(db, statuses)
    answers = await auto_replies.answer(db, _answerable(channels, new_messages), answers_per_minute, houses, None if ahead is None else ahead.claim)
    if failures or others:
        await store.keep_failures(db, [*failures, *others])
    if others:
        await store.drop_others(db, {Lane(o.delivery.organization_id, o.delivery.channel_id) for o in others}, OTHERS_KEPT)
    await messages.count_received(db, new_messages)
    if ahead:
        answers -= len(ahead)
        await db.durably()  # what is claimed is on disk before it is said
    wrote = {message.channel_id.int for message in new_messages}
    heard = frozenset(lane for lane in channels if lane.channel_id.int in wrote)
    touched = frozenset(changed) | {lane.organization_id for lane in heard}
    return Told(_served(deliveries), len(new_messages), heard, answers, touched, tuple(failures))


def _answerable(channels: Channels, new: Sequence[messages.NewMessage]) -> Sequence[messages.NewMessage]:
    """What came to numbers that bots may answer from: one over the plan's limit keeps silent."""
    silent = {channel.id.int for channel in channels.values() if channel.status == "read_only"}
    return [message for message in new if message.channel_id.int not in silent] if silent else new


def _read(deliveries: Sequence[Delivery]) -> tuple[list[tuple[Delivery, InboundMessage]], list[messages.Status], list[Failure], list[Failure]]:
    """Sort what the deliveries say into messages, statuses of our own messages, what cannot be read, and what is something else."""
    arrived, statuses, failures, others = [], [], [], []
    for delivery in deliveries:
        try:
            event = read(delivery.payload)
        except Exception as error:  # noqa: BLE001 - whatever a payload does to the parser, it stays alone with it
            failures.append(Failure(delivery, f"{type(error).__name__}: {error}"))
            continue
        if isinstance(event, InboundMessage):
            arrived.append((delivery, event))
        elif isinstance(event, InboundStatus) and event.message_id:
            statuses.append(_status(delivery, event))
        elif event is None:
            others.append(Failure(delivery._replace(kind="other"), f"neither a customer's message nor a status: {about(delivery.payload)}"))
    return arrived, statuses, failures, others


def _inbound(delivery: Delivery, message: InboundMessage, contact: contacts.Met) -> messages.Inbound:
    return messages.Inbound(
        organization_id=delivery.organization_id, channel_id=delivery.channel_id, contact_id=contact.contact_id,
        id=derived_id(delivery.channel_id, message.provider_message_id, message.sent_at), provider_message_id=message.provider_message_id,
        occurred_at=message.sent_at, type=message.type, text=message.text or "",
        payload=None if message.type in ("text", "reaction") else delivery.payload, reply_to=message.reply_to, emoji=message.emoji,
        contact_name=contact.name, recipient=contact.recipient, blocked=contact.blocked,
    )  # fmt: skip


def _status(delivery: Delivery, event: InboundStatus) -> messages.Status:
    assert event.message_id is not None  # asked by the caller
    return messages.Status(delivery.organization_id, event.message_id, event.provider_message_id, event.status, event.at, event.error_code, event.error_text)


def _served(deliveries: Sequence[Delivery]) -> Counter[int]:
    return Counter(delivery.channel_id.int for delivery in deliveries)


def _sum(told: Sequence[Told]) -> Told:
    return Told(
        sum((Counter(t.served) for t in told), Counter()), sum(t.messages for t in told), frozenset().union(*(t.heard for t in told)),
        sum(t.answers for t in told), frozenset().union(*(t.organization_ids for t in told)), tuple(f for t in told for f in t.failures),
    )  # fmt: skip
