"""The verbs of API keys."""

from collections.abc import Iterable
from ipaddress import ip_network
from uuid import UUID

from frontdesk import api, audit, entitlements
from frontdesk.api_keys import store
from frontdesk.api_keys.records import ApiKey, Network, NewKey
from frontdesk.database import Tenant
from frontdesk.errors import BadInput, Conflict, NotAllowed, NotFound

MOST_NETWORKS = 50


class NoSuchKey(NotFound):
    """There is no such API key."""


class MadeAlready(Conflict):
    """This key was made already, and is shown only once. Revoke it and make another if you did not keep it."""


class TooManyKeys(Conflict):
    """An organization has at most 100 keys that open something. Revoke what nobody needs any more."""


class MoreThanYou(NotAllowed):
    """An API key cannot be allowed more than you are."""


class NoNetwork(BadInput):
    """This is no address and no network."""


class TooManyNetworks(BadInput):
    """Use at most 50 networks."""


async def create(db: Tenant, key_id: UUID, new: NewKey) -> str:
    """Make a key that may do part of what its maker may, and return it: it is never to be seen again. Raises MoreThanYou, MadeAlready or TooManyKeys."""
    if not set(new.scopes) <= db.permissions:
        raise MoreThanYou(field="scopes")
    await entitlements.require(db, "api")
    key = api.new_key()
    key_hash = api.hash_of(key)
    assert key_hash is not None
    outcome = await store.create(db, key_id, key_hash, api.shown_of(key), new)
    if outcome != "made":
        raise MadeAlready if outcome == "taken" else TooManyKeys
    told = {
        "name": new.name, "prefix": api.shown_of(key), "scopes": sorted(new.scopes), "networks": [str(one) for one in new.networks],
        "expires_at": new.expires_at.isoformat() if new.expires_at else None,
    }  # fmt: skip
    await audit.append(db, "api_key.created", target_type="api_key", target_id=key_id, details=told)
    return key


async def revoke(db: Tenant, key_id: UUID) -> ApiKey:
    """Stop a key at once and for good. Returns it. Raises NoSuchKey."""
    key = await store.find(db, key_id)
    if key is None:
        raise NoSuchKey
    if await store.revoke(db, key_id):
        await audit.append(db, "api_key.revoked", target_type="api_key", target_id=key_id, details={"name": key.name, "prefix": key.prefix})
    return key


def networks_of(written: str) -> tuple[Network, ...]:
    """The networks that somebody wrote, parted by blanks, commas or lines; each once. Raises NoNetwork or TooManyNetworks."""
    found = dict.fromkeys(_read(written.replace(",", " ").split()))
    if len(found) > MOST_NETWORKS:
        raise TooManyNetworks(f"{TooManyNetworks.__doc__} These are {len(found):,}.", field="networks")
    return tuple(found)


def _read(words: Iterable[str]) -> Iterable[Network]:
    for word in words:
        try:
            yield ip_network(word, strict=False)
        except ValueError:
            raise NoNetwork(f"“{word[:60]}” is no address and no network. Write 203.0.113.7 or 203.0.113.0/24.", field="networks") from None
