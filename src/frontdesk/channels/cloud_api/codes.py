"""What to do about each error code of the Cloud API (Meta's error table): data, and nothing but data.

Meta asks to branch on the code alone: the same throttle has been seen as 429 and as 400.
"""

from dataclasses import dataclass

from frontdesk.channels.records import Action

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do, and after how many seconds the first new attempt may come (None: the sender's own backoff)."""

    action: Action
    wait: float | None = None


def rule(code: int | None, subcode: int | None = None) -> Rule | None:
    """The rule for this code, or None if it is not a code we know."""
    if code is None:
        return None
    if code == 100 and subcode == 33:
        return _STOP  # "Object with ID … does not exist": the number itself is wrong, or out of the token's reach
    known = RULES.get(code)
    if known is not None:
        return known
    return next((action for codes, action in _RANGES if code in codes), None)


_FAIL, _STOP = Rule("fail"), Rule("stop")

RULES: dict[int, Rule] = {
    0: _STOP,  # token invalid or expired
    1: Rule("retry", 5.0),  # unknown
    2: Rule("retry", 5.0),  # service temporarily down
    3: _STOP,  # capability missing
    4: Rule("slow", MINUTE),  # the app's call limit
    10: _STOP,  # permission missing
    33: _STOP,  # the number was deleted, or its id is wrong
    100: _FAIL,  # invalid parameter
    190: _STOP,  # token invalid or expired
    368: _STOP,  # blocked for breaking a policy
    460: _STOP,  # token: the password changed
    463: _STOP,  # token expired
    467: _STOP,  # token invalid
    80007: Rule("slow", 5 * MINUTE),  # rate limit of the WhatsApp Business account
    130429: Rule("slow", 1.0),  # throughput of the number exceeded
    130472: _FAIL,  # the customer is in one of Meta's experiments
    130497: _FAIL,  # country not allowed for this business
    130501: _FAIL,  # type not supported
    131000: Rule("retry", 5.0),  # unknown failure
    131005: _STOP,  # permission missing
    131008: _FAIL,  # parameter missing
    131009: _FAIL,  # parameter invalid
    131016: Rule("retry", 5.0),  # service unavailable
    131020: _FAIL,  # group
    131021: _FAIL,  # recipient is the sender
    131026: _FAIL,  # undeliverable
    131030: _FAIL,  # not in the list of test recipients
    131031: _STOP,  # account locked
    131037: _STOP,  # display name not approved
    131041: _FAIL,  # group
    131042: _STOP,  # payment problem
    131044: _STOP,  # payment problem
    131045: _STOP,  # registration or certificate of the number
    131047: _FAIL,  # the 24-hour window is closed
    131048: Rule("slow", 2 * HOUR),  # spam rate limit
    131049: _FAIL,  # kept back for the health of the ecosystem: not again within 24 hours
    131050: _FAIL,  # the customer stopped marketing
    131051: _FAIL,  # message type not supported
    131052: _FAIL,  # media could not be downloaded
    131053: _FAIL,  # media could not be uploaded
    131056: Rule("pair"),  # too many messages to this customer
    131057: Rule("slow", MINUTE),  # the number is being upgraded
    131062: _FAIL,  # needs the phone number
    131063: _FAIL,  # marketing is off for the account
    131064: _STOP,  # limit hit for wrongly classified templates
    132000: _FAIL,  # template: number of parameters
    132001: _FAIL,  # template missing
    132005: _FAIL,  # template: text too long
    132007: _FAIL,  # template: policy
    132008: _FAIL,  # template: parameter
    132012: _FAIL,  # template: format of a parameter
    132015: _FAIL,  # template paused
    132016: _FAIL,  # template disabled
    132018: _FAIL,  # template: parameter
    132068: _FAIL,  # flow blocked: the flow's fault, so the number goes on
    132069: Rule("retry", 6 * MINUTE),  # flow throttled to 10 an hour: likewise
    133000: _STOP,  # the number: deregistration incomplete
    133004: Rule("retry", MINUTE),  # the number: server unavailable
    133005: _STOP,  # the number: PIN mismatch
    133006: _STOP,  # the number: must be verified again
    133008: _STOP,  # the number: too many PIN tries
    133009: _STOP,  # the number: PIN tried too fast
    133010: _STOP,  # the number is not registered
    133015: _STOP,  # the number was deleted recently
    133016: _STOP,  # the number: registered too often
    134011: _FAIL,  # terms of payments
    135000: _FAIL,  # generic
    137000: _FAIL,  # the customer's identity key changed
}

_RANGES: tuple[tuple[range, Rule], ...] = (
    (range(200, 300), _STOP),  # permissions
    (range(139100, 139104), _FAIL),  # block list
    (range(2388000, 2389000), _FAIL),  # creation of templates
)
