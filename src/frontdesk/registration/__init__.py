"""How a stranger becomes a user."""

from frontdesk.registration.actions import EmailTaken, demand_turn, open_sandbox, register, visitor_finder
from frontdesk.registration.forms import RegistrationForm

__all__ = ["EmailTaken", "RegistrationForm", "demand_turn", "open_sandbox", "register", "visitor_finder"]
