"""How a stranger becomes a user."""

from frontdesk.registration.actions import EmailTaken, register, visitor_finder
from frontdesk.registration.forms import RegistrationForm

__all__ = ["EmailTaken", "RegistrationForm", "register", "visitor_finder"]
