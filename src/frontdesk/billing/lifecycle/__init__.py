"""How a subscription goes through time: what its organization is told, when less is possible, and how a plan is changed."""

from frontdesk.billing.lifecycle.actions import note_changes, note_confirmations
from frontdesk.billing.lifecycle.jobs import keep_time
from frontdesk.billing.lifecycle.turning import allow_turning, let_time_pass

__all__ = ["allow_turning", "keep_time", "let_time_pass", "note_changes", "note_confirmations"]
