"""Who did what to what, when, from where: append-only, one hash chain per organization."""

from frontdesk.audit.actions import NoSuchOrganization, activity, activity_of, append, append_as, verify
from frontdesk.audit.exports import harmless
from frontdesk.audit.records import Entry, Fault, Verdict
from frontdesk.audit.sentences import Line

__all__ = ["Entry", "Fault", "Line", "NoSuchOrganization", "Verdict", "activity", "activity_of", "append", "append_as", "harmless", "verify"]
