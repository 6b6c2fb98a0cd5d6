"""Humans: who they are, how they prove it, and where they are signed in."""

from frontdesk.users.actions import SESSION_SECONDS, admit, find_visitor, open_session, register, repair, repair_in
from frontdesk.users.admission import let_in
from frontdesk.users.attempts import Limit, TooManyAttempts, network
from frontdesk.users.attempts import take as take_attempt
from frontdesk.users.fields import Email, Name
from frontdesk.users.log import record
from frontdesk.users.passwords import PasswordsBusy
from frontdesk.users.passwords import hashed as hash_password
from frontdesk.users.records import Admission, NewUser
from frontdesk.users.strength import weakness

__all__ = [
    "SESSION_SECONDS", "Admission", "Email", "Limit", "Name", "NewUser", "PasswordsBusy", "TooManyAttempts", "admit",
    "find_visitor", "hash_password", "let_in", "network", "open_session", "record", "register", "repair", "repair_in", "take_attempt", "weakness",
]  # fmt: skip
