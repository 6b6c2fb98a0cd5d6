"""How much of what an organization uses, and what its plan allows. Counting and refusing happen in PostgreSQL."""

from frontdesk.usage.actions import PlanLimitReached, check, consume, overview, require, require_for
from frontdesk.usage.records import Usage

__all__ = ["PlanLimitReached", "Usage", "check", "consume", "overview", "require", "require_for"]
