"""The doors to PostgreSQL: a member in one organization, background work over named ones, or the platform itself.

Nothing else in the product touches the pool. Each door is one transaction, committed when its block ends.
"""

from frontdesk.database.doors import Database, NotAMember, Platform, SecondFactorNeeded, Tenant, Tenants, UnknownKey
from frontdesk.database.ids import id_time, new_id, new_ids, uuid_of
from frontdesk.database.sql import Statements, batch

__all__ = [
    "Database",
    "NotAMember",
    "Platform",
    "SecondFactorNeeded",
    "Statements",
    "Tenant",
    "Tenants",
    "UnknownKey",
    "batch",
    "id_time",
    "new_id",
    "new_ids",
    "uuid_of",
]
