"""Who works in an organization, and as what."""

from frontdesk.members.actions import NoSuchMember, find, search
from frontdesk.members.records import Cursor, Member

__all__ = ["Cursor", "Member", "NoSuchMember", "find", "search"]
