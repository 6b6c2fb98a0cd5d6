"""What members change about their organization."""

import re
from dataclasses import asdict, dataclass
from zoneinfo import available_timezones

from frontdesk import audit
from frontdesk.database import Tenant
from frontdesk.errors import BadInput, Conflict
from frontdesk.organizations import store
from frontdesk.organizations.records import Organization

LONGEST_NAME = 200
_LOCALE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?")


class NameMissing(BadInput):
    """Give the organization a name."""


class NameTooLong(BadInput):
    """Use at most 200 characters."""


class UnknownTimezone(BadInput):
    """This is no time zone. Use a name such as Europe/Berlin."""


class UnknownLocale(BadInput):
    """This is no language. Use a code such as en or pt-BR."""


class OwnFactorMissing(Conflict):
    """You have no second factor yourself: you would shut yourself out. Add one to your account first."""

    title = "Add a second factor first"


@dataclass(frozen=True, slots=True)
class Details:
    """What may change about an organization. timezone: an IANA name; locale: a language, perhaps with a country."""

    name: str
    timezone: str
    locale: str


def faults(wanted: Details) -> list[BadInput]:
    """Everything that is wrong, at most one for each field."""
    found: list[BadInput] = []
    if not wanted.name.strip():
        found.append(NameMissing(field="name"))
    elif len(_line(wanted.name)) > LONGEST_NAME:
        found.append(NameTooLong(f"{NameTooLong.__doc__} This has {len(_line(wanted.name)):,}.", field="name"))
    if wanted.timezone not in available_timezones():
        found.append(UnknownTimezone(field="timezone"))
    if not _LOCALE.fullmatch(wanted.locale):
        found.append(UnknownLocale(field="locale"))
    return found


async def change(db: Tenant, wanted: Details) -> Organization:
    """Change the name, the clock or the language. Raises what is wrong, naming the field."""
    for fault in faults(wanted):
        raise fault
    before = await store.locked(db)
    after = Details(_line(wanted.name), wanted.timezone, wanted.locale)
    changed = {name: {"from": getattr(before, name), "to": value} for name, value in asdict(after).items() if getattr(before, name) != value}
    if changed:
        await store.change(db, after.name, after.timezone, after.locale)
        await audit.append(db, "organization.changed", target_type="organization", target_id=db.organization_id, details={"changed": changed})
    return await store.current(db)


async def require_second_factor(db: Tenant) -> None:
    """Let nobody in who has no second factor. Raises OwnFactorMissing: whoever asks others for it has one himself."""
    outcome = await store.require_second_factor(db)
    if outcome == "has none":
        raise OwnFactorMissing
    if outcome == "done":
        await audit.append(db, "organization.second_factor_required", target_type="organization", target_id=db.organization_id)


async def leave_second_factor_open(db: Tenant) -> None:
    """Let members in without a second factor again."""
    if await store.leave_second_factor_open(db):
        await audit.append(db, "organization.second_factor_optional", target_type="organization", target_id=db.organization_id)


def _line(name: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
