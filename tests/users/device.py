"""A device that makes passkeys and signs with them, in a few lines: what a browser would send for it."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
SEEN = PRESENT | VERIFIED


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """One key, made for one site. `origin`: the page on which it stands; a phished user stands on another."""

    origin: str = "http://localhost:3002"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: bytes = b""
    count: int = 0

    def create(self, options: dict[str, Any], flags: int = SEEN, **client: Any) -> str:
        """Make the passkey."""
        self.user_handle = unpacked(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cose
        data = self._data(options["rp"]["id"], flags | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._client("webauthn.create", options["challenge"], **client)
        return self._credential({"clientDataJSON": packed(said), "attestationObject": packed(attestation), "transports": ["internal", "hybrid", "odd"]})

    def sign(self, options: dict[str, Any], flags: int = SEEN, handle: bytes | None = None, site: str | None = None, **client: Any) -> str:
        """Sign a challenge."""
        self.count += 1
        said = self._client("webauthn.get", options["challenge"], **client)
        data = self._data(site or options["rpId"], flags)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        handle = self.user_handle if handle is None else handle
        return self._credential(
            {"clientDataJSON": packed(said), "authenticatorData": packed(data), "signature": packed(signature), "userHandle": packed(handle)}
        )

    def _data(self, site: str, flags: int) -> bytes:
        return hashlib.sha256(site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, **more: Any) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin} | more).encode()

    def _credential(self, response: dict[str, Any]) -> str:
        return json.dumps({"id": packed(self.credential_id), "rawId": packed(self.credential_id), "type": "public-key", "response": response})
