"""The console's lists leave as files: what is shown and no more, harmless to spreadsheets, told in the log, and only to who is an operator still."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from frontdesk.access import Actor
from frontdesk.database import NotAnOperator
from frontdesk.operator.exports import actions, pieces
from frontdesk.operator.exports.records import COLUMNS, Wish, amount, cell
from tests.operator.conftest import Console
from tests.operator.crowd import crowd


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, ""), (True, "yes"), (False, "no"), (date(2026, 1, 2), "2026-01-02"), (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"), (7, "7")],
)
def test_a_cell_says_its_value(value: Any, written: str) -> None:
    assert cell(value) == written


def test_an_amount_has_its_cents() -> None:
    assert (amount(2900), amount(-1)) == (Decimal("29.00"), Decimal("-0.01"))


async def taken(console: Console, what: str, **asked: str) -> list[dict[str, str]]:
    """The rows of a file, by column."""
    answer = await console.act(f"/operator/exports/{what}", **asked)
    assert answer.status_code == 200 and answer.text.startswith("\ufeff"), answer.headers
    assert answer.headers["content-type"] == "text/csv; charset=utf-8" and f'filename="{what}-' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert all(tuple(row) == COLUMNS[what] for row in rows)
    return rows


async def test_every_list_is_taken_along_piece_by_piece(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 7)
    await crowd(console.owner, 30)
    organizations = await taken(console, "organizations")
    assert len({row["id"] for row in organizations}) == len(organizations) == 32
    assert next(row for row in organizations if row["name"] == "Lagos Glow Salon")["owner_email"] == "maya@example.com"
    assert len({row["email"] for row in await taken(console, "users")}) == 32
    assert len(await taken(console, "events")) == 30
    assert [row["total"] for row in await taken(console, "invoices")] == ["29.00"] * 6
    months = await taken(console, "revenue")
    assert len(months) == 36 and months[-1]["month"] == f"{datetime.now(UTC):%Y-%m}"
    logged = await console.see("select details ->> 'name' from private.operator_entries where action = 'list.exported' order by id")
    assert [name for (name,) in logged] == ["organizations", "users", "billing events", "invoices", "revenue by month"]


async def test_a_file_holds_what_its_page_was_asked_for(console: Console) -> None:
    await crowd(console.owner, 20)
    assert {row["state"] for row in await taken(console, "organizations", state="suspended")} == {"suspended"}
    assert {row["plan"] for row in await taken(console, "organizations", plan="business")} == {"Business"}
    assert [row["name"] for row in await taken(console, "organizations", q="glow", state="all", plan="")] == ["Lagos Glow Salon"]
    assert {row["state"] for row in await taken(console, "events", show="given_up")} == {"given_up"}
    assert [row["email"] for row in await taken(console, "users", q="maya")] == ["maya@example.com"]
    assert await taken(console, "organizations", q="nothing like it") == []
    page = (await console.operator.get("/operator/organizations?state=suspended&q=shop")).text
    assert '<input type="hidden" name="state" value="suspended">' in page and '<input type="hidden" name="q" value="shop">' in page


async def test_what_customers_call_themselves_is_no_formula(console: Console) -> None:
    await console.owner.execute("update organizations set name = '=HYPERLINK(\"http://evil\")' where id = %s", (console.shop_id,))
    (row,) = await taken(console, "organizations", q="maya@example.com")
    assert row["name"] == '\'=HYPERLINK("http://evil")'


async def test_whoever_is_no_operator_any_more_gets_no_further(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 5)
    await crowd(console.owner, 12)
    ((session,),) = await console.see("select id from private.sessions where user_id = %s", console.operator_id)
    file = actions.stream(console.database, session, Actor("user", console.operator_id), Wish("organizations"))
    assert [len((await anext(file)).decode().splitlines()) for _ in range(2)] == [1, 5]
    await console.database.call("select private.revoke_operator('jonas@example.com', 'a test')")
    with pytest.raises(NotAnOperator):
        await anext(file)


async def test_there_is_no_other_list_and_a_proof_is_wanted(console: Console) -> None:
    assert (await console.act("/operator/exports/messages")).status_code == 404
    await console.owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
    assert (await console.act("/operator/exports/organizations")).headers["location"].startswith("/account/reauthentication")
    assert await console.see("select count(*) from private.operator_entries where action = 'list.exported'") == [(0,)]
