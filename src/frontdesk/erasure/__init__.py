"""Organizations and contacts that go for good."""

from frontdesk.erasure.actions import order, pending, revoke
from frontdesk.erasure.jobs import delete_what_is_due
from frontdesk.erasure.records import Deletion

__all__ = ["Deletion", "delete_what_is_due", "order", "pending", "revoke"]
