"""Packs: what arrived together for one part of a lane is one row, and single events for whoever tells them."""

from collections.abc import Iterator, Sequence
from zlib import crc32

from frontdesk.channels import Event, Lane
from frontdesk.database import new_id, uuid_of
from frontdesk.inbound.records import PARTS, Delivery, Pack

# a pack lies in one piece on one page of the table, and what is told at once is not much more than was asked for
PACK_EVENTS = 20
PACK_LENGTH = 7_500

Arrived = tuple[Lane, Event]


def packed(arrived: Sequence[Arrived]) -> list[Pack]:
    """What arrived together, in as few packs as may be; the ids of their events rise with the arrival."""
    gathered: dict[tuple[int, int, str], tuple[Lane, list[str]]] = {}  # by the channel's number, because hashing UUIDs is slow
    for lane, event in arrived:
        key = (lane.channel_id.int, crc32(event.party.encode()) % PARTS, event.kind)
        if found := gathered.get(key):
            found[1].append(event.payload)
        else:
            gathered[key] = lane, [event.payload]
    packs, following = list[Pack](), new_id().int
    for (_, part, kind), (lane, payloads) in gathered.items():
        for lines in _parcels(payloads):
            packs.append(Pack(lane.organization_id, lane.channel_id, uuid_of(following), part, kind, "\n".join(lines), len(lines)))
            following += len(lines)
    return packs


def _parcels(payloads: list[str]) -> Iterator[list[str]]:
    """The same in pieces that are no larger than a pack may be; what is larger by itself stands alone."""
    first, length = 0, 0
    for n, payload in enumerate(payloads):
        length += len(payload) + 1
        if n > first and (length > PACK_LENGTH or n - first == PACK_EVENTS):
            yield payloads[first:n]
            first, length = n, len(payload) + 1
    yield payloads[first:]


def unpacked(pack: Pack) -> list[Delivery]:
    """The events of a pack, in order of arrival. Their ids follow that of the pack, so they stay the same if it is taken apart."""
    if pack.events == 1:
        return [Delivery(pack.organization_id, pack.channel_id, pack.id, pack.kind, pack.payload)]
    first, lines = pack.id.int, pack.payload.split("\n")
    return [Delivery(pack.organization_id, pack.channel_id, uuid_of(first + n), pack.kind, line) for n, line in enumerate(lines)]
