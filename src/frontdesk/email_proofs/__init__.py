"""Links that prove an email: it is confirmed, a password set anew, and another email taken."""

from frontdesk.email_proofs.recovery import send as send_reset
from frontdesk.email_proofs.verification import send as send_verification

__all__ = ["send_reset", "send_verification"]
