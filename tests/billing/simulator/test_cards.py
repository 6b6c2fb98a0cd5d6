"""Test cards, the plan of retries, and the PDF."""

from datetime import UTC, datetime

import pytest

from frontdesk.billing.simulator.cards import NotACard, expiry, typed
from frontdesk.billing.simulator.dunning import Plan, next_try
from frontdesk.billing.simulator.pdf import Row, write

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def test_a_card_is_known_however_it_is_written() -> None:
    assert typed(" 4242 4242-4242 4242 ").token == "pm_card_visa"
    assert typed("de89 3704 0044 0532 0130 00").kind == "sepa_debit"


@pytest.mark.parametrize(("number", "said"), [("4111111111111111", "never a real card"), ("42", "incorrect"), ("", "incorrect"), ("４２４２", "incorrect")])
def test_no_real_card_is_taken(number: str, said: str) -> None:
    with pytest.raises(NotACard, match=said):
        typed(number)


@pytest.mark.parametrize("text", ["12 / 34", "12/2034", "1234"])
def test_an_expiry_is_read_as_people_write_it(text: str) -> None:
    assert expiry(text, NOW) == (12, 2034)


@pytest.mark.parametrize("text", ["10/26", "13/34", "", "a/b", "1/2/3", "²/34"])
def test_an_expiry_that_is_none_is_refused_beside_its_field(text: str) -> None:
    with pytest.raises(NotACard) as refused:
        expiry(text, NOW)
    assert refused.value.field == "expiry"


def test_an_invoice_is_tried_on_the_days_of_the_plan_and_then_no_more() -> None:
    plan = Plan.of({"retry_days": [3, 7]})
    assert [next_try(plan, attempts, 0) for attempts in (1, 2, 3)] == [3 * 86_400, 7 * 86_400, None]
    assert (plan.end, Plan.of({"after_retries": "unpaid"}).end) == ("cancel", "unpaid")


def test_a_pdf_has_its_pages_where_its_table_says() -> None:
    made = write([Row("Invoice (1)", "€79.00", size=20, bold=True), *[Row(f"Line {n}", "1") for n in range(80)]], "Büro \\ 🚀")
    assert made.startswith(b"%PDF-1.4") and made.endswith(b"%%EOF\n")
    assert made.count(b"/Type /Page ") == 3
    start = int(made.split(b"startxref\n")[1].split()[0])
    table = made[start:].split(b"\n")[3:]
    for number, row in enumerate(table[: made.count(b" 0 obj")], 1):
        assert made[int(row[:10]) :].startswith(b"%d 0 obj" % number)
    assert b"Invoice \\(1\\)" in made and b"\x8079.00" in made
