"""The people of the simulated world: anybody can be anybody, and keeps the same id for ever."""

import re
from dataclasses import replace

from frontdesk.channels.simulator.identifiers import BSUID, bsuid_of, plain_phone
from frontdesk.channels.simulator.records import Person
from frontdesk.errors import BadInput
from frontdesk.folding import fold

USERNAME = re.compile(r"[a-z0-9._]{3,35}")
LONGEST_NAME = 256


class BadPhone(BadInput):
    """Write the number with its country code, such as +49 1511 2345678."""


class BadUsername(BadInput):
    """A username has 3 to 35 small letters, digits, dots or underscores."""


class BadUserId(BadInput):
    """A business-scoped user id has two capital letters, a dot, and up to 128 letters or digits."""


class NameTooLong(BadInput):
    """A name has at most 256 characters."""


class People:
    """Everybody who ever wrote or was written to, by id and by number."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._by_bsuid: dict[str, Person] = {}
        self._by_phone: dict[str, Person] = {}

    def add(self, person: Person) -> None:
        """Remember this person, in place of who had the id before."""
        self._by_bsuid[person.bsuid] = person
        if person.phone:
            self._by_phone[person.phone] = person

    def get(self, bsuid: str) -> Person | None:
        """The person with this id."""
        return self._by_bsuid.get(bsuid)

    def forget(self) -> None:
        """Nobody was ever here."""
        self._by_bsuid.clear()
        self._by_phone.clear()

    def found(self, address: str, *, field: str) -> Person:
        """The person behind a number, an @username or an id, known or new. Raises BadInput naming `field`."""
        person = address_of(address, field=field)
        return self._by_phone.get(person.phone or "") or self._by_bsuid.get(person.bsuid) or person


def address_of(address: str, *, field: str) -> Person:
    """Somebody nobody has met yet: only what their number, @username or id says."""
    address = address.strip()
    if address.startswith("@"):
        return of_username(address, field=field)
    if BSUID.fullmatch(address):
        return Person(address)
    return of_phone(address, field=field)


def of_phone(written: str, *, field: str) -> Person:
    """Somebody with this number."""
    phone = plain_phone(written)
    if phone is None:
        raise BadPhone(field=field)
    return Person(bsuid_of(phone=phone), phone=phone)


def of_username(written: str, *, field: str) -> Person:
    """Somebody who shows this username and no number."""
    username = written.strip().lower().removeprefix("@")
    if not USERNAME.fullmatch(username):
        raise BadUsername(field=field)
    return Person(bsuid_of(username=username), username=username)


def username_of(name: str) -> str:
    """A username that somebody of this name could have: "Jürgen Müller" may be @jurgen.muller. Every name makes a valid one."""
    letters = re.sub(r"[^a-z0-9._]+", ".", fold(name)).strip(".")[:35]
    return letters if len(letters) >= 3 else f"user.{bsuid_of(username=name)[-8:]}"


def of_bsuid(written: str, *, field: str) -> Person:
    """Somebody of whom businesses know the id alone."""
    if not BSUID.fullmatch(written):
        raise BadUserId(field=field)
    return Person(written)


def named(person: Person, name: str | None, *, field: str = "name") -> Person:
    """The same person under a name, if one is given."""
    if name is None or not name.strip():
        return person
    if len(name.strip()) > LONGEST_NAME:
        raise NameTooLong(field=field)
    return replace(person, name=name.strip())
