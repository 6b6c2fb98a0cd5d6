"""Invitations: by mail, with a role, for seven days and one use."""

from frontdesk.invitations.acceptance.actions import come_in, find
from frontdesk.invitations.actions import NoSuchInvitation, invite, pending, resend, revoke
from frontdesk.invitations.records import Held, Invitation, NewInvitation

__all__ = ["Held", "Invitation", "NewInvitation", "NoSuchInvitation", "come_in", "find", "invite", "pending", "resend", "revoke"]
