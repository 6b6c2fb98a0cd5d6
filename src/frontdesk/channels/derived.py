"""Ids that say the same however often the same thing arrives."""

from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from frontdesk.database import uuid_of


def derived_id(channel_id: UUID, provider_message_id: str, sent_at: datetime) -> UUID:
    """The id of an inbound message: a UUIDv7 that is the same however often the message arrives.

    Its 48 bits of time are WhatsApp's timestamp (ms, at least 0), its 74 free bits a hash of channel and provider id.
    """
    source = channel_id.bytes + provider_message_id.encode("utf-8", "surrogatepass")
    chance = int.from_bytes(blake2b(source, digest_size=10).digest(), "big")
    since = max(int(sent_at.timestamp() * 1000), 0)
    return uuid_of(since << 80 | 0x7 << 76 | (chance >> 62 & 0xFFF) << 64 | 0b10 << 62 | chance & _LOW_62)


_LOW_62 = (1 << 62) - 1
