"""An operator's deed, as it is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from frontdesk.audit import Entry, Line


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operator did. organization: the name of the one it was done to, if that is still there."""

    id: UUID
    at: datetime
    operator_name: str
    action: str
    organization_id: UUID | None
    organization: str | None
    target_type: str | None
    target_id: str | None
    details: dict[str, Any]
    address: str | None

    @property
    def reason(self) -> str:
        """Why, in the operator's words."""
        return str(self.details.get("reason") or "")

    @property
    def name(self) -> str:
        """What the thing is called that it was done to."""
        return str(self.details.get("name") or self.organization or "")

    @property
    def line(self) -> Line:
        """The sentence of the organizations' own logs, said of this operator. The reason stands beside it, in full."""
        told = {name: value for name, value in self.details.items() if name != "reason"} | ({"name": self.name} if self.name else {})
        return Line(Entry(0, self.at, "user", None, self.operator_name, self.action, self.target_type, self.target_id, told, self.address, None, None, ""))

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        """The fields that changed, each from something to something."""
        found = self.details.get("changed")
        return found if isinstance(found, dict) else {}
