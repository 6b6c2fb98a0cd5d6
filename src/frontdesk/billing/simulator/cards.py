"""Stripe's test cards and test accounts, and what each of them does.

https://docs.stripe.com/testing. A card is what was typed on a page (its number) or given by a program (`pm_card_visa`).
"""

from dataclasses import dataclass
from datetime import datetime

TYPED_WRONG = "Your card number is incorrect."


@dataclass(frozen=True, slots=True)
class Card:
    """One test card or account: what it is called, and how it behaves when it is kept and when it is charged."""

    number: str
    token: str
    brand: str = "visa"
    country: str = "US"
    kind: str = "card"
    kept: str | None = None
    """The decline code when it is attached; None if that works."""
    charged: str | None = None
    """The decline code when it is charged; None if that works."""
    asks: str = "never"
    """Whether the bank asks the customer: `never`, `once` (not again when it was set up on a page), `always`."""
    settles_later: bool = False
    """Whether the money comes, or does not come, some minutes later."""

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]


CARDS = (
    Card("4242424242424242", "pm_card_visa"),
    Card("5555555555554444", "pm_card_mastercard", brand="mastercard"),
    Card("4000002760000016", "pm_card_de", country="DE"),
    Card("4000000000000341", "pm_card_chargeCustomerFail", charged="generic_decline"),
    Card("4000000000000002", "pm_card_visa_chargeDeclined", kept="generic_decline", charged="generic_decline"),
    Card("4000000000009995", "pm_card_visa_chargeDeclinedInsufficientFunds", kept="insufficient_funds", charged="insufficient_funds"),
    Card("4000000000000069", "pm_card_chargeDeclinedExpiredCard", kept="expired_card", charged="expired_card"),
    Card("4000002500003155", "pm_card_authenticationRequired", asks="once"),
    Card("4000002760003184", "pm_card_authenticationRequiredOnSetup", country="DE", asks="always"),
    Card("DE89370400440532013000", "pm_sepa_success", brand="", country="DE", kind="sepa_debit", settles_later=True),
    Card("DE62370400440532013001", "pm_sepa_fail", brand="", country="DE", kind="sepa_debit", charged="debit_not_authorized", settles_later=True),
)
BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {card.token: card for card in CARDS}
MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "debit_not_authorized": "The customer has notified their bank that this payment was not authorized.",
}
CODES = {"expired_card": "expired_card", "authentication_required": "authentication_required", "debit_not_authorized": "debit_not_authorized"}


class NotACard(ValueError):
    """What was typed is none of the test cards; `field` says where it is wrong."""

    def __init__(self, message: str, field: str = "number") -> None:
        """Say what is wrong, beside the field."""
        super().__init__(message)
        self.field = field


def typed(number: str) -> Card:
    """The card with this number. Raises NotACard: a real number has no place in a simulator."""
    plain = "".join(number.split()).replace("-", "").upper()
    if plain not in BY_NUMBER:
        known = plain.isdigit() and len(plain) > 11
        raise NotACard("Only Stripe's test cards work here. Take one from the list; never a real card." if known else TYPED_WRONG)
    return BY_NUMBER[plain]


def expiry(text: str, now: datetime) -> tuple[int, int]:
    """Month and year of `12 / 34`. Raises NotACard."""
    digits = [part.strip() for part in text.replace("-", "/").split("/")]
    if len(digits) == 1 and len(digits[0]) == 4:
        digits = [digits[0][:2], digits[0][2:]]
    if len(digits) != 2 or not all(part.isascii() and part.isdigit() for part in digits) or not 1 <= int(digits[0]) <= 12:
        raise NotACard("Write month and year, such as 12 / 34.", "expiry")
    month, year = int(digits[0]), int(digits[1]) % 100 + 2000
    if (year, month) < (now.year, now.month):
        raise NotACard("Your card's expiration date is in the past.", "expiry")
    return month, year


def code_of(decline: str) -> str:
    """Stripe's error code for a decline code."""
    return CODES.get(decline, "card_declined")
