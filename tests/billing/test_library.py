"""Stripe's library is read when something is first said to it, by one module, and what it raises is said in our words."""

import ast
from pathlib import Path

import pytest
import stripe

import frontdesk
from frontdesk.billing.library import as_ours
from frontdesk.billing.stripe_api import CardDeclined, Line, StripeAway, StripeRefuses, StripeRefusesUs, asking, is_missing
from frontdesk.errors import BadInput

SOURCE = Path(frontdesk.__file__).parent
HEAVY = ("stripe", "httpx", "frontdesk.billing.library")


def test_no_module_reads_it_while_it_is_read_itself() -> None:
    readers = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if set(HEAVY) & set(_read_at_once(ast.parse(path.read_text("utf-8"))))}
    assert readers == {"billing/library.py"}


def _read_at_once(module: ast.Module) -> list[str]:
    """The modules that the top of this one reads; what is for type checkers stands in an `if`."""
    found = []
    for node in module.body:
        if isinstance(node, ast.Import):
            found += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module.partition(".")[0] if not node.module.startswith("frontdesk") else node.module]
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


async def test_a_line_on_which_nothing_was_said_is_closed_without_ado() -> None:
    await Line("sk_test_1", None).close()
    line = Line("sk_test_1", "http://127.0.0.1:9")
    assert line.client is line.client
    await line.close()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (stripe.CardError("no", None, "card_declined"), CardDeclined), (stripe.APIConnectionError("gone"), StripeAway),
        (stripe.RateLimitError("slower"), StripeAway), (stripe.AuthenticationError("who"), StripeRefusesUs), (stripe.PermissionError("no"), StripeRefusesUs),
        (stripe.InvalidRequestError("no", "id", code="resource_missing"), StripeRefuses), (stripe.IdempotencyError("other"), StripeRefuses),
        (stripe.APIError("broken"), StripeAway),
    ],
)  # fmt: skip
def test_each_of_its_failures_is_one_of_ours_and_stays_its_cause(theirs: stripe.StripeError, ours: type[Exception]) -> None:
    with pytest.raises(ours) as raised, asking():
        raise theirs
    assert raised.value.__cause__ is theirs
    if isinstance(raised.value, StripeRefuses):
        assert is_missing(raised.value) == (theirs.code == "resource_missing")


@pytest.mark.parametrize("error", [BadInput("wrong"), ValueError("ours")])
def test_what_is_not_of_stripe_goes_on_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, asking():
        raise error
    assert raised.value is error
    assert as_ours(error) is None
