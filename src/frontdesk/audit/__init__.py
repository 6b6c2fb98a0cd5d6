"""Who did what to what, when, from where: append-only, one hash chain per organization."""

from frontdesk.audit.actions import NoSuchOrganization, append, append_as, verify
from frontdesk.audit.records import Fault, Verdict

__all__ = ["Fault", "NoSuchOrganization", "Verdict", "append", "append_as", "verify"]
