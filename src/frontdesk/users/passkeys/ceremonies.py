"""The two ceremonies of WebAuthn: a device makes a passkey, and a device signs with one. What comes from a browser is checked by the library."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from frontdesk.errors import BadInput
from frontdesk.users.passkeys.records import KnownPasskey, NewPasskey, Passkey, Signature, Site

T = TypeVar("T")
LONGEST = 20_000  # characters; a passkey without attestation has some hundreds
TRANSPORTS = {one.value for one in AuthenticatorTransport}


class PasskeyRefused(BadInput):
    """This passkey did not prove that it is you. Try again, or use another way."""


def creation_options(site: Site, user_id: UUID, email: str, name: str, challenge: bytes, known: Sequence[Passkey]) -> str:
    """What a browser is told so that a device makes a passkey that needs no name to be typed, and sees its user. JSON."""
    criteria = AuthenticatorSelectionCriteria(resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED)
    made = webauthn.generate_registration_options(
        rp_id=site.name, rp_name="Frontdesk", user_id=user_id.bytes, user_name=email, user_display_name=name, challenge=challenge,
        authenticator_selection=criteria, exclude_credentials=_described(known),
    )  # fmt: skip
    return str(options_to_json(made))


def request_options(site: Site, challenge: bytes, known: Sequence[Passkey] = ()) -> str:
    """What a browser is told so that a device signs: with one of these, or with any it has for this site. JSON."""
    made = webauthn.generate_authentication_options(
        rp_id=site.name, challenge=challenge, allow_credentials=_described(known), user_verification=UserVerificationRequirement.REQUIRED
    )
    return str(options_to_json(made))


def challenge_in(credential: str) -> bytes:
    """The challenge that the browser says was signed. Raises PasskeyRefused."""
    return _trusting_nothing(lambda: base64url_to_bytes(json.loads(base64url_to_bytes(_read(credential)["response"]["clientDataJSON"]))["challenge"]))


def credential_id_in(credential: str) -> bytes:
    """Which passkey the browser says signed. Raises PasskeyRefused."""
    return _trusting_nothing(lambda: base64url_to_bytes(_read(credential)["rawId"]))


def check_creation(site: Site, challenge: bytes, credential: str) -> NewPasskey:
    """The passkey that was made for this challenge, on this site, by a device that saw its user. Raises PasskeyRefused."""
    verified = _trusting_nothing(
        lambda: webauthn.verify_registration_response(
            credential=_read(credential), expected_challenge=challenge, expected_rp_id=site.name, expected_origin=site.origin,
            require_user_verification=True,
        )
    )  # fmt: skip
    said = _trusting_nothing(lambda: _read(credential)["response"].get("transports") or [])
    transports = sorted(TRANSPORTS & {one for one in said if isinstance(one, str)}) if isinstance(said, list) else []
    eligible = verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE
    return NewPasskey(
        verified.credential_id, verified.credential_public_key, verified.sign_count, transports, eligible, verified.credential_backed_up
    )  # fmt: skip


def check_signature(site: Site, challenge: bytes, credential: str, passkey: KnownPasskey) -> Signature:
    """The signature of this passkey under this challenge, for this site, by a device that saw its user. Raises PasskeyRefused.

    A counter that does not go up belongs to a copy of the key, and is refused.
    """
    handle = _trusting_nothing(lambda: _read(credential)["response"].get("userHandle"))
    if handle is not None and _trusting_nothing(lambda: base64url_to_bytes(handle)) != passkey.user_id.bytes:
        raise PasskeyRefused
    verified = _trusting_nothing(
        lambda: webauthn.verify_authentication_response(
            credential=_read(credential), expected_challenge=challenge, expected_rp_id=site.name, expected_origin=site.origin,
            credential_public_key=passkey.public_key, credential_current_sign_count=passkey.sign_count, require_user_verification=True,
        )
    )  # fmt: skip
    return Signature(passkey, verified.new_sign_count, verified.credential_backed_up)


def _read(credential: str) -> dict[str, Any]:
    if len(credential) > LONGEST:
        raise PasskeyRefused
    read = json.loads(credential)
    return read if isinstance(read, dict) else {}


def _trusting_nothing(step: Callable[[], T]) -> T:
    try:
        return step()
    except Exception as error:
        raise PasskeyRefused from error


def _described(known: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=one.credential_id, transports=[AuthenticatorTransport(way) for way in one.transports]) for one in known]
