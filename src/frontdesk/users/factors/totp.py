"""Codes that change every thirty seconds (RFC 6238): the secret, its QR code, and which time step a code belongs to."""

import hmac
import unicodedata

import pyotp
import segno

STEP_SECONDS = 30
DIGITS = 6
# A clock may be off by one step. ASVS 6.5.5 gives a code thirty seconds, which a clock that is a little slow would miss; each works once all the same.
DRIFT = (0, -1, 1)
ISSUER = "Frontdesk"


def new_secret() -> str:
    """160 random bits in base32, as apps take them."""
    return pyotp.random_base32()


def qr_code(secret: str, email: str) -> str:
    """The secret as an image for the app's camera: an address with the SVG in it."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    return str(segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=3, light="#fff"))


def in_groups(secret: str) -> str:
    """The secret as one types it: in groups of four."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def step_of(secret: str, code: str, now: float) -> int | None:
    """The time step that this code belongs to, or None when it is not right. now: seconds since 1970.

    All steps are looked at, so that time tells nothing.
    """
    typed, current, found = normal(code), int(now) // STEP_SECONDS, None
    made = pyotp.TOTP(secret, digits=DIGITS)
    for drift in DRIFT:
        if hmac.compare_digest(made.generate_otp(current + drift), typed) and found is None:
            found = current + drift
    return found


def normal(code: str) -> str:
    """What was typed as plain digits, whatever the keyboard made of them; nothing when it is no code."""
    typed = "".join(code.split())
    return "".join(str(unicodedata.decimal(sign)) for sign in typed) if len(typed) == DIGITS and typed.isdecimal() else ""
