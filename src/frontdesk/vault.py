"""Encryption of secrets at rest: AES-256-GCM, with the row's identity as associated data, so what is copied into another row does not open.

Two kinds of sealed values, both ending in `<nonce>.<ciphertext>`:
`v1.<name of a key of FRONTDESK_SECRET_KEYS>…`: the installation's own secrets, and the data keys;
`v2.<id of the data key>…`: what belongs to an organization, sealed with its data key.
"""

import base64
import hashlib
import re
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from frontdesk.errors import FrontdeskError

KEY_NAME = re.compile(r"[A-Za-z0-9_-]+")
KEY_BYTES = 32
FEWEST_BYTES = 12  # different ones among 32: chance draws fewer once in 10^25 times
MOST_OPENED = 10_000  # data keys that stay opened in memory
INSTALLATION, ORGANIZATION = "v1", "v2"


class BadKey(FrontdeskError):
    """It must read `name:` and 32 bytes in base64, several parted by commas, newest first; a name has letters, digits, - and _."""


class CannotOpen(Exception):
    """A sealed value does not open: it was changed, moved to another row, or sealed with a key that is gone."""


class Vault:
    """The installation's keys: seals with the first one, opens with all of them."""

    def __init__(self, keys: str) -> None:
        """Read `k2:<base64>,k1:<base64>`. Raises BadKey."""
        self._keys: dict[str, AESGCM] = {}
        self._opened: dict[tuple[UUID, str], DataKey] = {}
        self.guessable: list[str] = []  # names of keys that nobody drew at random: zeros, or a pattern of an example
        for entry in filter(None, (part.strip() for part in keys.split(","))):
            number = len(self._keys) + 1
            name, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError:
                key = b""
            if len(key) != KEY_BYTES or not KEY_NAME.fullmatch(name) or name in self._keys:
                # by its number: what is no name may be the key itself
                raise BadKey(f"Key {number} of FRONTDESK_SECRET_KEYS cannot be used. {BadKey.__doc__}")
            self._keys[name] = AESGCM(key)
            if len(set(key)) < FEWEST_BYTES:
                self.guessable.append(name)
        if not self._keys:
            raise BadKey(f"FRONTDESK_SECRET_KEYS is empty. {BadKey.__doc__}")

    @staticmethod
    def make_key(name: str = "k1") -> str:
        """A fresh key in the written form."""
        return f"{name}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"

    @property
    def names(self) -> tuple[str, ...]:
        """What its keys are called; the first one seals."""
        return tuple(self._keys)

    def seal(self, plain: str, *, context: str) -> str:
        """Encrypt a secret of the installation. `context` names the place: `<row>|<table>|<id>|<column>` or the like."""
        name = self.names[0]
        return f"{INSTALLATION}.{name}.{_encrypt(self._keys[name], plain, context)}"

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt what `seal` made for the same context. Raises CannotOpen."""
        version, name, rest = _parted(sealed)
        if version != INSTALLATION or name not in self._keys:
            raise CannotOpen(CannotOpen.__doc__)
        return _decrypt(self._keys[name], rest, context)

    def make_data_key(self, organization_id: UUID) -> str:
        """A fresh data key for an organization, wrapped by our first key."""
        key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        return self.seal(key, context=data_key_context(organization_id))

    def of(self, organization_id: UUID, wrapped: str | None) -> "Vault | DataKey":
        """What opens the secrets of an organization: its data key, unwrapped once and kept in memory.

        Without a data key yet, it is ourselves: what earlier versions sealed. Raises CannotOpen.
        """
        return self if wrapped is None else self.data_key(organization_id, wrapped)

    def data_key(self, organization_id: UUID, wrapped: str) -> "DataKey":
        """The data key that was wrapped for this organization. Raises CannotOpen."""
        found = self._opened.get((organization_id, wrapped))
        if found is None:
            found = DataKey(base64.b64decode(self.open(wrapped, context=data_key_context(organization_id))), self)
            if len(self._opened) >= MOST_OPENED:
                self._opened.clear()
            self._opened[organization_id, wrapped] = found
        return found


class DataKey:
    """The key of one organization's secrets."""

    def __init__(self, key: bytes, vault: Vault) -> None:
        """Made by `Vault.data_key`. Its id follows from the key, so that no other key passes for it."""
        self.id = hashlib.sha256(b"frontdesk data key" + key).hexdigest()[:16]
        self._key, self._vault = AESGCM(key), vault

    def seal(self, plain: str, *, context: str) -> str:
        """Encrypt. `context` names the place, for example `<organization>|channels|<id>|access_token`."""
        return f"{ORGANIZATION}.{self.id}.{_encrypt(self._key, plain, context)}"

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt what `seal` made for the same context, or what earlier versions sealed with the installation's keys. Raises CannotOpen."""
        version, name, rest = _parted(sealed)
        if version == INSTALLATION:
            return self._vault.open(sealed, context=context)
        if version != ORGANIZATION or name != self.id:
            raise CannotOpen(CannotOpen.__doc__)
        return _decrypt(self._key, rest, context)


def data_key_context(organization_id: UUID) -> str:
    """The place that a data key is wrapped for."""
    return f"{organization_id}|data_keys|{organization_id}|wrapped"


def _parted(sealed: str) -> tuple[str, str, str]:
    version, _, rest = sealed.partition(".")
    name, _, rest = rest.partition(".")
    return version, name, rest


def _encrypt(key: AESGCM, plain: str, context: str) -> str:
    nonce = secrets.token_bytes(12)
    sealed = key.encrypt(nonce, plain.encode(), context.encode())
    return f"{base64.urlsafe_b64encode(nonce).decode()}.{base64.urlsafe_b64encode(sealed).decode()}"


def _decrypt(key: AESGCM, sealed: str, context: str) -> str:
    try:
        nonce, ciphertext = sealed.split(".")
        return key.decrypt(base64.urlsafe_b64decode(nonce), base64.urlsafe_b64decode(ciphertext), context.encode()).decode()
    except (ValueError, InvalidTag) as error:
        raise CannotOpen(CannotOpen.__doc__) from error
