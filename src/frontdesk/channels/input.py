"""What somebody typed to connect a number, checked field by field."""

import phonenumbers

from frontdesk.channels.connected import NewChannel
from frontdesk.errors import BadInput

LONGEST_TOKEN = 4000  # characters; Meta's have a few hundred
SHORTEST_SECRET = 16  # characters; Meta's have 32, and what is shorter may be guessed


class BadName(BadInput):
    """Give the channel a name of at most 200 characters."""


class BadPhoneNumberId(BadInput):
    """The phone number ID is the number of 5 to 40 digits that Meta shows above the access token, not the phone
    number itself."""


class BadWabaId(BadInput):
    """The WhatsApp Business Account ID is a number of 5 to 40 digits. Meta shows it beside the phone number ID."""


class BadDisplayNumber(BadInput):
    """Write the phone number with its country code, such as +49 151 23456789."""


class BadAccessToken(BadInput):
    """Paste the access token alone: letters and digits without spaces or line breaks."""


class BadAppSecret(BadInput):
    """Paste the app secret alone, as Meta's app dashboard shows it under App settings, Basic: letters and digits, at
    least 16 of them."""


def checked(wanted: NewChannel) -> NewChannel:
    """The same, tidied. Raises BadInput naming the first field at fault."""
    return NewChannel(
        name=_name(wanted.name),
        phone_number_id=_phone_number_id(wanted.phone_number_id),
        waba_id=_waba_id(wanted.waba_id),
        display_number=_display_number(wanted.display_number),
        access_token=access_token(wanted.access_token),
        own_app_secret=_own_app_secret(wanted.own_app_secret),
    )


def faults(wanted: NewChannel) -> list[BadInput]:
    """Everything that is not right, in the order of the form."""
    found = []
    for check, typed in (
        (_name, wanted.name),
        (_display_number, wanted.display_number),
        (_phone_number_id, wanted.phone_number_id),
        (_waba_id, wanted.waba_id),
        (access_token, wanted.access_token),
        (_own_app_secret, wanted.own_app_secret),
    ):
        try:
            check(typed)
        except BadInput as fault:
            found.append(fault)
    return found


def access_token(typed: str) -> str:
    """The token without white space around it. Raises BadAccessToken."""
    token = typed.strip()
    if not token or not _is_one_word(token):
        raise BadAccessToken(field="access_token")
    return token


def app_secret(typed: str, field: str = "app_secret") -> str:
    """The secret without white space around it. Raises BadAppSecret."""
    secret = typed.strip()
    if len(secret) < SHORTEST_SECRET or not _is_one_word(secret):
        raise BadAppSecret(field=field)
    return secret


def _own_app_secret(typed: str) -> str:
    return app_secret(typed, "own_app_secret") if typed.strip() else ""


def _is_one_word(typed: str) -> bool:
    return len(typed) <= LONGEST_TOKEN and all("!" <= letter <= "~" for letter in typed)


def _name(typed: str) -> str:
    name = " ".join(typed.split())
    if not 1 <= len(name) <= 200:
        raise BadName(field="name")
    return name


def _phone_number_id(typed: str) -> str:
    return _digits(typed, BadPhoneNumberId(field="phone_number_id"))


def _waba_id(typed: str) -> str:
    return _digits(typed, BadWabaId(field="waba_id"))


def _digits(typed: str, complaint: BadInput) -> str:
    digits = typed.strip()
    if not (digits.isascii() and digits.isdigit() and 5 <= len(digits) <= 40):
        raise complaint
    return digits


def _display_number(typed: str) -> str:
    written = typed.strip()
    try:
        number = phonenumbers.parse(written if written.startswith("+") else f"+{written.removeprefix('00')}")
    except phonenumbers.NumberParseException:
        raise BadDisplayNumber(field="display_number") from None
    if not phonenumbers.is_possible_number(number):
        raise BadDisplayNumber(field="display_number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
