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
from frontdesk.contacts.store import by_figures

__all__ = [
    "Arrival", "Contact", "ContactIsBlocked", "Cursor", "Met", "NoSuchContact",
    "block", "by_figures", "find", "meet", "patterns", "rename", "search", "search_text", "unblock",
]  # fmt: skip
