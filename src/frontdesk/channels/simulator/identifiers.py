"""The ids and secrets of the simulated WhatsApp: the shapes are Meta's, the values follow from their owner."""

import base64
import hashlib
import hmac
import os
import re
from functools import lru_cache

import phonenumbers

PHONE = re.compile(r"[1-9][0-9]{6,14}")
BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
PHONE_NUMBER_ID = re.compile(r"[0-9]{3,25}")


def access_token(app_secret: str, phone_number_id: str) -> str:
    """The access token of a sandbox number: nothing is stored, whoever knows the secret can compute it."""
    return "sim_" + _digest(app_secret, f"access token of {phone_number_id}").hex()


def waba_id(phone_number_id: str) -> str:
    """The WhatsApp business account that a sandbox number belongs to: one account each."""
    return "9" + _digits("business account", phone_number_id, 14)


def bsuid_of(*, phone: str | None = None, username: str | None = None) -> str:
    """A person's business-scoped user id: the country, a dot, and digits that never change."""
    if phone:
        return f"{country_of(phone)}.{_digits('phone', phone, 17)}"
    return f"US.{_digits('username', (username or '').lower(), 17)}"


@lru_cache(maxsize=65536)
def country_of(phone: str) -> str:
    """The two letters of the country a number belongs to, US where nobody can tell."""
    try:
        number = phonenumbers.parse(f"+{phone}")
    except phonenumbers.NumberParseException:
        return "US"
    code = phonenumbers.region_code_for_country_code(number.country_code or 1)
    return code if re.fullmatch("[A-Z]{2}", code) and code != "ZZ" else "US"


def readable(phone: str) -> str:
    """A number as people write it: +49 1511 2345678."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(f"+{phone}"), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return f"+{phone}"


def plain_phone(written: str) -> str | None:
    """The digits of a number with its country code, however it was written; None if it cannot be one."""
    digits = re.sub(r"[\s().\-/]", "", written).removeprefix("+").removeprefix("00")
    return digits if PHONE.fullmatch(digits) else None


def new_wamid(owner: str, *, mine: bool) -> str:
    """A message id built like WhatsApp's: the other party, the direction and a random part, in base64."""
    tail = os.urandom(10).hex().upper().encode()
    person = owner.encode()[:60]
    raw = b"\x1c\x18" + bytes([len(person)]) + person + b"\x15\x02\x00" + (b"\x12" if mine else b"\x11")
    return "wamid." + base64.b64encode(raw + b"\x18" + bytes([len(tail)]) + tail + b"\x00").decode()


def new_trace_id() -> str:
    """An `fbtrace_id`."""
    return "A" + base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")


def _digest(secret: str, words: str) -> bytes:
    return hmac.new(secret.encode(), words.encode(), hashlib.sha256).digest()


def _digits(kind: str, value: str, length: int) -> str:
    return str(int.from_bytes(_digest(f"frontdesk simulator {kind}", value)[:16])).zfill(length)[-length:]
