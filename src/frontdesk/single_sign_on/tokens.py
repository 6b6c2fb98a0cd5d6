"""Whether an ID token is true: signed by a key of the provider, for us, now, and for this very visit."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError

from frontdesk.errors import NotAllowed
from frontdesk.single_sign_on.discovery import Directory

# Signatures with a public key only. A shared secret among them would let whoever knows the public key sign with that.
ALGORITHMS = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
    "ES256": "EC", "ES384": "EC", "ES512": "EC",
}  # fmt: skip
LEEWAY = 60  # seconds that two clocks may differ
OLDEST = 600  # seconds between the issue of a token and its arrival
LONGEST = 32_768


class NotVouchedFor(NotAllowed):
    """What the sign-in provider said could not be verified, so you are not signed in. Try again."""


async def verified(token: object, directory: Directory, *, issuer: str, client_id: str, nonce: str, access_token: str | None, now: int) -> Mapping[str, Any]:
    """The claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7). Raises NotVouchedFor, saying to the log alone what is wrong.

    The header is asked for two things, algorithm and name of the key; addresses of keys in it (jku, x5u) and keys (jwk) are not looked at.
    """
    if not isinstance(token, str) or len(token) > LONGEST:
        raise NotVouchedFor
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS or not isinstance(kid, str | None):
        raise NotVouchedFor
    key = await directory.key(kid, ALGORITHMS[algorithm])
    if key is None:
        raise NotVouchedFor
    try:
        claims = CodeIDToken(
            jwt.decode(token, key, algorithms=[algorithm]).claims, header,
            {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}, "sub": {"essential": True}},
            {"client_id": client_id, "nonce": nonce, "access_token": access_token},
        )  # fmt: skip
        claims.validate(now, LEEWAY)
    except (JoseError, ValueError, TypeError) as error:
        raise NotVouchedFor from error
    _demand_ours(claims, issuer, client_id, nonce, now)
    return dict(claims)


def _demand_ours(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: int) -> None:
    """What must hold, said once more in our own words: the library's checks depend on which options it was given."""
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    said, subject = claims.get("nonce"), claims["sub"]
    if not (
        claims["iss"] == issuer and client_id in audiences and claims.get("azp", client_id) == client_id and (len(audiences) == 1 or "azp" in claims)
        and isinstance(said, str) and secrets.compare_digest(said.encode(), nonce.encode())
        and now - OLDEST - LEEWAY <= claims["iat"] <= now + LEEWAY and claims["exp"] > now - LEEWAY
        and isinstance(subject, str) and 1 <= len(subject) <= 255 and "\x00" not in subject
    ):  # fmt: skip
        raise NotVouchedFor


def _header(token: str) -> dict[str, Any]:
    part = token.partition(".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        raise NotVouchedFor from None
    return header if isinstance(header, dict) else {}
