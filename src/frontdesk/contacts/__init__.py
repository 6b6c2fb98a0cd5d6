"""The people who write to an organization."""

from frontdesk.contacts.actions import (
    ContactIsBlocked,
    NoSuchContact,
    block,
    find,
    patterns,
    rename,
    search,
    search_text,
    unblock,
)
from frontdesk.contacts.meeting import Arrival, Met, meet
from frontdesk.contacts.records import Contact, Cursor

__all__ = [
    "Arrival", "Contact", "ContactIsBlocked", "Cursor", "Met", "NoSuchContact",
    "block", "find", "meet", "patterns", "rename", "search", "search_text", "unblock",
]  # fmt: skip
