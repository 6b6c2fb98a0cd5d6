"""Humans: who they are, how they prove it, and where they are signed in."""

from frontdesk.users.actions import SESSION_SECONDS, find_visitor, open_session, register, repair
from frontdesk.users.attempts import Limit, TooManyAttempts, network
from frontdesk.users.attempts import take as take_attempt
from frontdesk.users.fields import Email, Name
from frontdesk.users.passwords import PasswordsBusy
from frontdesk.users.passwords import hashed as hash_password
from frontdesk.users.records import NewUser
from frontdesk.users.strength import weakness

__all__ = [
    "SESSION_SECONDS", "Email", "Limit", "Name", "NewUser", "PasswordsBusy", "TooManyAttempts",
    "find_visitor", "hash_password", "network", "open_session", "register", "repair", "take_attempt", "weakness",
]  # fmt: skip
