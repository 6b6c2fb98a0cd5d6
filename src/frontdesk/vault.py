"""Encryption of secrets at rest: AES-256-GCM, with the row's identity as associated data.

A sealed value reads `v1.<key id>.<nonce>.<ciphertext>`; the associated data ties it to its row and column, so a value copied
into another organization's row does not open there.
"""

import base64
import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from frontdesk.errors import FrontdeskError

KEY_NAME = re.compile(r"[A-Za-z0-9_-]+")
KEY_BYTES = 32


class BadKey(FrontdeskError):
    """It must read `name:` and 32 bytes in base64, several parted by commas, newest first; a name has letters, digits, - and _."""


class CannotOpen(Exception):
    """A sealed value does not open: it was changed, moved to another row, or sealed with a key that is gone."""


class Vault:
    """Seals with the first key, opens with all of them."""

    def __init__(self, keys: str) -> None:
        """Read `k2:<base64>,k1:<base64>`. Raises BadKey."""
        self._keys: dict[str, AESGCM] = {}
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
        if not self._keys:
            raise BadKey(f"FRONTDESK_SECRET_KEYS is empty. {BadKey.__doc__}")
        self._first = next(iter(self._keys))

    @staticmethod
    def make_key(name: str = "k1") -> str:
        """A fresh key in the written form."""
        return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"

    def seal(self, plain: str, *, context: str) -> str:
        """Encrypt. `context` names the place, for example `organization|channels|id|access_token`."""
        nonce = secrets.token_bytes(12)
        sealed = self._keys[self._first].encrypt(nonce, plain.encode(), context.encode())
        return f"v1.{self._first}.{base64.urlsafe_b64encode(nonce).decode()}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt what `seal` made for the same context. Raises CannotOpen."""
        try:
            version, name, nonce, ciphertext = sealed.split(".")
            key = self._keys[name]
            plain = key.decrypt(base64.urlsafe_b64decode(nonce), base64.urlsafe_b64decode(ciphertext), context.encode())
        except (ValueError, KeyError, InvalidTag) as error:
            raise CannotOpen(CannotOpen.__doc__) from error
        if version != "v1":
            raise CannotOpen(CannotOpen.__doc__)
        return plain.decode()
