"""An archive, as far as it is written. Imports nothing of ours."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Archive:
    """How far an archive is: `updated_at` is when the last piece of it was read."""

    id: UUID
    tables: int
    tables_done: int
    rows_done: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
