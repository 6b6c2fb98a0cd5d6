"""Invitations: by mail, with a role, for seven days and one use."""

from frontdesk.invitations.actions import NoSuchInvitation, invite, pending, resend, revoke
from frontdesk.invitations.records import Invitation

__all__ = ["Invitation", "NoSuchInvitation", "invite", "pending", "resend", "revoke"]
