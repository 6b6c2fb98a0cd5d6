"""The doors to PostgreSQL: a member in one organization, background work over named ones, an operator, or the platform itself.

Nothing else in the product touches the pool. Each door is one transaction, committed when its block ends.
"""

from frontdesk.database.doors import (
    Console,
    Database,
    NotAMember,
    NotAnOperator,
    OperatorUnproved,
    Platform,
    SecondFactorNeeded,
    Tenant,
    Tenants,
    UnknownKey,
)  # fmt: skip
from frontdesk.database.ids import id_time, new_id, new_ids, uuid_of
from frontdesk.database.sql import Statements, batch, by_id, keys, recordset

__all__ = [
    "Console",
    "Database",
    "NotAMember",
    "NotAnOperator",
    "OperatorUnproved",
    "Platform",
    "SecondFactorNeeded",
    "Statements",
    "Tenant",
    "Tenants",
    "UnknownKey",
    "batch",
    "by_id",
    "id_time",
    "keys",
    "new_id",
    "new_ids",
    "recordset",
    "uuid_of",
]
