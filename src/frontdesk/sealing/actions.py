"""The verbs of sealed values: an organization's data key, and the rotation of the installation's keys."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import structlog

from frontdesk.database import Database, Platform, Tenant, Tenants
from frontdesk.errors import BadInput, Conflict, FrontdeskError, Unavailable
from frontdesk.sealing import store
from frontdesk.sealing.records import Holding, Rotation, Stale
from frontdesk.vault import CannotOpen, DataKey, Vault

BADGE = "frontdesk keys"
MOST_BADGES = 5  # the name of a connection has 63 bytes
BATCH = 500
ROUNDS, PAUSE = 20, 0.25  # seconds between rounds, for rows that somebody was just changing
log = structlog.get_logger()


class KeysMissing(FrontdeskError):
    """Stored secrets are sealed with keys that are not here."""


class SecretsLocked(Unavailable):
    """The secrets of this organization cannot be opened with the keys that Frontdesk was started with. Whoever runs it finds out more in its log."""


class NoNewKey(FrontdeskError):
    """There is no new key: put one in front of FRONTDESK_SECRET_KEYS (`frontdesk secrets make-key` makes one), restart, and rotate then."""


class NotConfirmed(BadInput):
    """What a lost key has sealed cannot be brought back by anybody. Look for it in backups of your settings first; give --yes to go on without it."""


class KeyIsThere(Conflict):
    """This key is not lost."""


class NotKnownEverywhere(FrontdeskError):
    """A process of Frontdesk is running that does not know the newest key yet, and could not open what would be sealed with it."""


async def data_key(db: Tenant | Tenants | Platform, vault: Vault, organization_id: UUID) -> DataKey:
    """The organization's data key, made now if it has none. Raises SecretsLocked if it was wrapped with a key that is gone."""
    wrapped = await store.data_key(db, organization_id, vault.make_data_key(organization_id))
    try:
        return vault.data_key(organization_id, wrapped)
    except CannotOpen:
        log.error("the data key of an organization cannot be opened with these FRONTDESK_SECRET_KEYS", organization=str(organization_id))
        raise SecretsLocked from None


def badge(vault: Vault) -> str:
    """What a serving process calls its connections, so that a rotation can see which keys it knows."""
    return " ".join([BADGE, *(_badge(name) for name in vault.names[:MOST_BADGES])])


async def holdings(database: Database) -> list[Holding]:
    """Which key has sealed how many values of which column."""
    return await store.holdings(database)


async def require_keys(database: Database, vault: Vault) -> None:
    """Raises KeysMissing unless every key is here that sealed something, and is the one it was."""
    check_keys(await store.holdings(database), vault)


def check_keys(held: Iterable[Holding], vault: Vault) -> None:
    """Raises KeysMissing as `require_keys` does."""
    held = list(held)
    amounts: Counter[str] = Counter()
    for holding in held:
        amounts[holding.sealed_by or ""] += holding.amount
    missing = {name: n for name, n in amounts.items() if name and name not in vault.names}
    other = {name: n for name, n in amounts.items() if name in vault.names and not _opens(vault, [one for one in held if one.sealed_by == name])}
    if missing or other:
        told = [f"{n:,} with the key {name}, which is not there" for name, n in missing.items()]
        told += [f"{n:,} with a key {name}, but the key of that name is another one now" for name, n in other.items()]
        raise KeysMissing(
            f"Stored secrets cannot be opened: {'; '.join(told)}. Put back into FRONTDESK_SECRET_KEYS (or the file secrets/keys of the data folder) what"
            " was there before, behind the newest key; `frontdesk secrets rotate` then seals everything with that one. If the old key is lost for good:"
            f" `frontdesk secrets abandon {next(iter([*missing, *other]))}`."
        )


async def rotate(database: Database, vault: Vault, advance: Callable[[int], None]) -> Rotation:
    """Seal everything with the newest key, a batch at a time, while others read and write; `advance` hears how many were done.

    Stopped at any moment, it goes on where it stopped. Raises KeysMissing, NoNewKey or NotKnownEverywhere.
    """
    await require_keys(database, vault)
    await _require_newest_everywhere(database, vault)
    newest, done = vault.names[0], Rotation()
    places = waiting(await store.holdings(database), newest)
    if not places and len(vault.names) == 1:
        raise NoNewKey
    for _ in range(ROUNDS):
        done.unopened = 0
        for place in places:
            await _renew(database, vault, place, done, advance)
        places = waiting(await store.holdings(database), newest)
        done.left = max(0, sum(places.values()) - done.unopened)
        if not done.left:
            break
        await asyncio.sleep(PAUSE)
    return done


async def abandon(database: Database, vault: Vault, name: str) -> int:
    """Give up what a key has sealed that is lost; how much that was. Raises KeyIsThere when anything of it opens."""
    held = [one for one in await store.holdings(database) if one.sealed_by == name]
    if name in vault.names and (not held or _opens(vault, held)):
        raise KeyIsThere(f"The key {name} is there, and opens what it has sealed. `frontdesk secrets rotate` seals that with the newest key.")
    return await store.abandon(database, name)


def waiting(held: Iterable[Holding], newest: str) -> dict[str, int]:
    """How many values of each column wait for a rotation; the data keys and what else the installation's keys seal first."""
    found: dict[str, int] = {}
    for one in sorted(held, key=lambda one: (one.with_data_key, one.place)):
        if one.waits(newest):
            found[one.place] = found.get(one.place, 0) + one.amount
    return found


async def _renew(database: Database, vault: Vault, place: str, done: Rotation, advance: Callable[[int], None]) -> None:
    after = ""
    while values := await store.stale(database, place, vault.names[0], after, BATCH):
        after, changes = values[-1].row_id, list[dict[str, Any]]()
        for value in values:
            try:
                changes.append({"row_id": value.row_id, "old": value.sealed, "new": await _sealed_anew(database, vault, value)})
            except (CannotOpen, SecretsLocked):
                done.unopened += 1
                log.error("a stored secret cannot be opened and stays as it is", place=place, row=value.row_id)
        replaced = await store.replace(database, place, changes) if changes else 0
        done.renewed += replaced
        advance(replaced)


async def _sealed_anew(database: Database, vault: Vault, value: Stale) -> str:
    plain = vault.open(value.sealed, context=value.context)
    if value.organization is None:
        return vault.seal(plain, context=value.context)
    if value.data_key:
        return vault.data_key(value.organization, value.data_key).seal(plain, context=value.context)
    async with database.platform() as db:
        key = await data_key(db, vault, value.organization)
    return key.seal(plain, context=value.context)


async def _require_newest_everywhere(database: Database, vault: Vault) -> None:
    worn = [name.removeprefix(BADGE).split() for name in await store.keys_in_use(database) if name.startswith(BADGE)]
    if any(_badge(vault.names[0]) not in known for known in worn):
        raise NotKnownEverywhere(f"{NotKnownEverywhere.__doc__} Restart every process with the key {vault.names[0]} in front, and rotate then.")


def _badge(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _opens(vault: Vault, held: Iterable[Holding]) -> bool:
    """Whether at least one sample opens: a single damaged value is no reason to refuse all."""
    for sample in (sample for one in held for sample in one.samples):
        try:
            vault.open(sample["sealed"], context=sample["context"])
            return True
        except CannotOpen:
            continue
    return False
