"""Anchors: where each log ended at some time, signed and kept outside of the database.

An anchor is one line of JSON: `{"v":1,"organization":…,"slug":…,"seq":…,"hash":…,"time":…,"key":…,"signature":…}`. The signature (Ed25519) covers the
line without it, its names in the order of the alphabet and without blanks. `key` begins the public key's SHA-256.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from frontdesk import secret_files
from frontdesk.errors import BadInput
from frontdesk.settings import Settings

KEY_BYTES = 32


class BadAuditKey(BadInput):
    """An audit key is 32 bytes in base64."""


class UnreadableAnchor(BadInput):
    """This is no anchor, or its signature does not fit."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where one organization's log ended at a time."""

    organization_id: UUID
    slug: str
    seq: int
    hash: bytes
    time: datetime


class Signer:
    """Signs with the installation's audit key."""

    def __init__(self, written: str) -> None:
        """`written`: the private key, 32 bytes in base64. Raises BadAuditKey."""
        self._key = Ed25519PrivateKey.from_private_bytes(_bytes_of(written))

    @classmethod
    def of(cls, settings: Settings) -> "Signer":
        """FRONTDESK_AUDIT_KEY, or a key of the data folder, made at its first use and readable by its owner only."""
        return cls(settings.audit_key or secret_files.kept(settings.data_dir, "audit_key", _make_key))

    @property
    def public_key(self) -> str:
        """What proves the signatures, 32 bytes in base64."""
        return base64.b64encode(_raw(self._key.public_key())).decode()

    @property
    def public_pem(self) -> str:
        """The same as other programs read it."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def line(self, anchor: Anchor) -> bytes:
        """The anchor as a signed line."""
        told = {
            "v": 1, "organization": anchor.organization_id, "slug": anchor.slug, "seq": anchor.seq, "hash": anchor.hash.hex(),
            "time": anchor.time.astimezone(UTC), "key": _name(self._key.public_key()),
        }  # fmt: skip
        signature = base64.b64encode(self._key.sign(_signed(told))).decode()
        return orjson.dumps(told | {"signature": signature}, option=orjson.OPT_APPEND_NEWLINE)


class Reader:
    """Reads anchors, and believes only those that were signed with one of these keys."""

    def __init__(self, public_keys: Iterable[str]) -> None:
        """`public_keys`: each 32 bytes in base64. Raises BadAuditKey."""
        keys = [Ed25519PublicKey.from_public_bytes(_bytes_of(one)) for one in public_keys]
        self._keys = {_name(key): key for key in keys}

    def read(self, line: str) -> Anchor:
        """One line. Raises UnreadableAnchor."""
        try:
            told = dict(orjson.loads(line))
            signature = base64.b64decode(told.pop("signature"), validate=True)
            self._keys[told["key"]].verify(signature, _signed(told))
            time = datetime.fromisoformat(told["time"])
            return Anchor(UUID(told["organization"]), str(told["slug"]), int(told["seq"]), bytes.fromhex(told["hash"]), time)
        except KeyError as error:
            raise UnreadableAnchor(f"it was signed with the key {error}, which is not known here") from None
        except (ValueError, TypeError, AttributeError, InvalidSignature):
            raise UnreadableAnchor("it is no anchor, or its signature does not fit") from None


def judged(anchors: Iterable[Anchor], found: Mapping[Anchor, bytes | None]) -> Iterator[str]:
    """Where logs are not what their anchors say: of each log the first place only, since what follows is changed with it.

    anchors: of one organization each after the other, by entry. found: the hash of the entry as it is now.
    """
    agreed: dict[UUID, int] = {}
    broken: set[UUID] = set()
    for one in anchors:
        if one.organization_id in broken:
            continue
        if found[one] == one.hash:
            agreed[one.organization_id] = one.seq
            continue
        broken.add(one.organization_id)
        when, first = f"{one.time:%Y-%m-%d %H:%M} UTC", agreed.get(one.organization_id, 0) + 1
        between = f"entry {one.seq}" if first == one.seq else f"an entry from {first} to {one.seq}"
        yield f"{one.slug}: entry {one.seq}: " + (
            f"missing: it was there on {when}" if found[one] is None else f"rewritten: {between} is not what it was on {when}"
        )


def _signed(told: Mapping[str, object]) -> bytes:
    return orjson.dumps(dict(told), option=orjson.OPT_SORT_KEYS)


def _bytes_of(written: str) -> bytes:
    try:
        key = base64.b64decode(written.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadAuditKey
    return key


def _make_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _name(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(_raw(key)).hexdigest()[:16]
