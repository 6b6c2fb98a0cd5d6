"""Humans: who they are, how they prove it, and where they are signed in."""

from frontdesk.users.actions import SESSION_SECONDS, admit, find_visitor, open_session, register, repair, repair_in, switch_organization
from frontdesk.users.admission import let_in
from frontdesk.users.attempts import Limit, TooManyAttempts, network
from frontdesk.users.attempts import take as take_attempt
from frontdesk.users.factors.actions import release
from frontdesk.users.fields import Email, Name, email_key
from frontdesk.users.log import record
from frontdesk.users.passwords import PasswordsBusy
from frontdesk.users.passwords import hashed as hash_password
from frontdesk.users.records import Account, Admission, NewUser
from frontdesk.users.store import confirm_email, find_account, organizations_of
from frontdesk.users.strength import weakness
from frontdesk.users.tokens import hash_of as hash_of_token
from frontdesk.users.tokens import is_token, new_token

__all__ = [
    "SESSION_SECONDS", "Account", "Admission", "Email", "Limit", "Name", "NewUser", "PasswordsBusy", "TooManyAttempts", "admit", "confirm_email",
    "email_key", "find_account", "find_visitor", "hash_of_token", "hash_password", "is_token", "let_in", "network", "new_token", "open_session",
    "organizations_of", "record", "register", "release", "repair", "repair_in", "switch_organization", "take_attempt", "weakness",
]  # fmt: skip
