"""Figures, money, names and phone numbers in words."""

import hashlib
from decimal import Decimal

import phonenumbers
from babel.numbers import format_currency, format_decimal, get_currency_precision
from jinja2 import pass_context
from jinja2.runtime import Context

HUES = ("green", "blue", "purple", "orange", "cyan", "pink", "yellow", "red", "teal", "azure")


@pass_context
def number(context: Context, value: float) -> str:
    """`22,940`."""
    return format_decimal(value, locale=_locale(context))


@pass_context
def money(context: Context, minor: int, currency: str) -> str:
    """Minor units in words: 2900 EUR is `€29`, 2950 EUR is `€29.50`."""
    digits = get_currency_precision(currency)
    amount = Decimal(minor).scaleb(-digits)
    whole = amount == amount.to_integral_value()
    return format_currency(amount, currency, "¤#,##0" if whole else None, locale=_locale(context), currency_digits=not whole)


def initials(name: str | None) -> str:
    """At most two letters for an avatar: `Amina Okafor` is `AO`, `zainab.a` is `ZA`; a number has none."""
    if (name or "").startswith("+"):
        return "#"
    parts = [part for part in (name or "").replace(".", " ").replace("_", " ").split() if part[0].isalnum()]
    if not parts:
        return "?"
    return (parts[0][0] + parts[-1][0] if len(parts) > 1 else parts[0][:2]).upper()


def hue(identity: object) -> str:
    """The colour of an avatar, the same for the same id for ever."""
    return HUES[hashlib.blake2b(str(identity).encode(), digest_size=2).digest()[0] % len(HUES)]


def phone(digits: str | None) -> str:
    """A number as people write it: `2348035550142` is `+234 803 555 0142`. What is none, as a masked one, stays, with a plus."""
    if not digits:
        return ""
    written = "+" + digits.lstrip("+")
    if not written[1:].isdigit():
        return written
    try:
        shaped = phonenumbers.format_number(phonenumbers.parse(written), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        return shaped.replace("-", " ")
    except phonenumbers.NumberParseException:
        return written


def called(name: str | None) -> str:
    """A name as it is shown: a bare number that stands in for one is written as people write numbers."""
    plain = (name or "").strip()
    return phone(plain[1:]) if plain[:1] == "+" and plain[1:].isascii() and plain[1:].isdigit() else plain


def _locale(context: Context) -> str:
    return str(context.get("locale") or "en_GB")
