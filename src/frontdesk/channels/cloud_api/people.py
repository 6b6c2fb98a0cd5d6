"""Who a webhook's messages and statuses are about: the `contacts` that come beside them."""

from typing import Any

from frontdesk.channels.cloud_api.wording import as_text

Json = dict[str, Any]


class People:
    """The people of one value, found by BSUID or number."""

    __slots__ = ("_all", "_by_id", "_used")

    def __init__(self, contacts: Any) -> None:
        self._all: list[Any] = contacts if type(contacts) is list else [] if contacts is None else [contacts]
        self._by_id: dict[str, Json] | None = None
        self._used: set[int] = set()

    def of(self, item: Any, phone: str, bsuid: str, *, alone: bool) -> Json | None:
        """The contact of this item, found by what it has under these keys.

        The only contact of the only item is its own, even if its number is written differently (as Brazil's and
        Mexico's are); otherwise a guess could mix up two people.
        """
        if not self._all or type(item) is not dict:
            return None
        contact: Json | None
        if alone and len(self._all) == 1:
            contact = only if type(only := self._all[0]) is dict else None
        else:
            people = self._index()
            contact = people.get(as_text(item.get(bsuid)) or "") or people.get(as_text(item.get(phone)) or "")
        if contact is not None:
            self._used.add(id(contact))
        return contact

    def unmatched(self) -> list[Any]:
        """Those who were nobody's contact."""
        if len(self._used) == len(self._all):
            return []
        return [contact for contact in self._all if id(contact) not in self._used]

    def _index(self) -> dict[str, Json]:
        if self._by_id is None:
            people = [contact for contact in self._all if type(contact) is dict]
            keys = ((as_text(contact.get(key)), contact) for key in ("wa_id", "user_id") for contact in people)
            self._by_id = {key: contact for key, contact in keys if key}
        return self._by_id
