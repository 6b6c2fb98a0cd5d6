"""Messages and the conversations they belong to."""

from frontdesk.messages.actions import content_of, count_received, queue, record_inbound, record_statuses
from frontdesk.messages.inbox.store import unread
from frontdesk.messages.records import AUTOMATIC, CAMPAIGN, FREE_ANSWERS, SINGLE, Draft, Inbound, NewMessage, Queued, Status

__all__ = [
    "AUTOMATIC", "CAMPAIGN", "FREE_ANSWERS", "SINGLE", "Draft", "Inbound", "NewMessage", "Queued", "Status",
    "content_of", "count_received", "queue", "record_inbound", "record_statuses", "unread",
]  # fmt: skip
