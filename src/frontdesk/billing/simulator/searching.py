"""`/search`: Stripe's small language of questions. Unlike at Stripe, what was written is found at once.

Source: https://docs.stripe.com/search#search-query-language
"""

import re
from collections.abc import Callable
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIELDS = {
    "customer": ("created", "email", "metadata", "name", "phone"),
    "invoice": ("created", "currency", "customer", "metadata", "number", "receipt_number", "status", "total"),
    "price": ("active", "currency", "lookup_key", "metadata", "product", "type"),
    "product": ("active", "description", "metadata", "name", "shippable", "url"),
    "subscription": ("canceled_at", "created", "metadata", "status"),
}
"""What can be asked of each kind."""
CLAUSE = re.compile(r"""\s*(-)?([a-z_]+)(?:\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\])?\s*(:|~|>=|<=|>|<)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"']+)\s*""")
JOINT = re.compile(r"(AND|OR)\b|$")
Test = Callable[[Object], bool]


def search(kind: str) -> Callable[..., Object]:
    """Who answers GET /v1/{kind}s/search."""

    def index(world: World, params: p.Params) -> Object:
        p.known(params, ("limit", "page", "query"))
        test = parsed(str(p.required(params, "query")), kind)
        found = [one for one in world.find(kind)[::-1] if test(one)]
        limit, begin = p.integer(params, "limit", 10, least=1, most=100) or 10, p.integer(params, "page", 0, least=0) or 0
        more = len(found) > begin + limit
        return {
            "object": "search_result", "data": found[begin : begin + limit], "has_more": more, "next_page": str(begin + limit) if more else None,
            "url": world.call.path,
        }  # fmt: skip

    return index


def parsed(query: str, kind: str) -> Test:
    """The test that a query means. Raises StripeError for what cannot be read."""
    tests: list[Test] = []
    joints: set[str] = set()
    place = 0
    while True:
        clause = CLAUSE.match(query, place)
        joint = JOINT.match(query, clause.end()) if clause else None
        if clause is None or joint is None:
            raise invalid(f"We were unable to parse your search query: {query[:100]}", "query")
        tests.append(_test(kind, *clause.groups()))
        place = joint.end()
        if not joint[0]:
            break
        joints.add(joint[1])
    if len(joints) > 1:
        raise invalid("You may not combine AND and OR in one query.", "query")
    together = any if joints == {"OR"} else all
    return lambda one: together(test(one) for test in tests)


def _test(kind: str, no: str | None, name: str, key: str | None, sign: str, value: str) -> Test:
    if name not in FIELDS[kind] or (name == "metadata") != (key is not None):
        raise invalid(f"Field `{name}` is an unsupported search field for resource `{kind}s`.", "query")
    wanted = _plain(value)

    def holds(one: Object) -> bool:
        is_ = one[name].get(_plain(key)) if key else one[name]
        return _compared(is_, sign, wanted) != bool(no)

    return holds


def _compared(is_: Any, sign: str, wanted: str) -> bool:
    if sign == ":":
        return is_ is None if wanted == "null" else _said(is_) == wanted.casefold()
    if sign == "~":
        return len(wanted) >= 3 and wanted.casefold() in _said(is_)
    if not isinstance(is_, int) or not wanted.lstrip("-").isdigit():
        return False
    number = int(wanted)
    return {">": is_ > number, "<": is_ < number, ">=": is_ >= number, "<=": is_ <= number}[sign]


def _said(value: Any) -> str:
    return str(value).casefold()


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1]) if quoted[:1] in ("'", '"') else quoted
