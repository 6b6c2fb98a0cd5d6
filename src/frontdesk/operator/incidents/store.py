"""The SQL of what is wrong."""

from frontdesk.database import Console
from frontdesk.operator.incidents.records import Incident


async def counted(db: Console) -> list[Incident]:
    """What the database knows of, each kind once; 0 of it is well."""
    return await db.records(Incident, "select what, how_many, since from private.incidents()")
