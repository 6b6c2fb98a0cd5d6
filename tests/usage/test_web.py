"""The page of usage: figures by day, number and member, what happens at a limit, and a file that is told in the log."""

import csv
import io

import httpx
import psycopg
import pytest

from frontdesk.database import Database, new_id
from frontdesk.settings import Settings
from tests.desk import Desk, seated

FIGURES = """
  insert into usage_days (organization_id, day, metric, channel_id, author, user_id, amount)
  values (%(o)s, (now() at time zone 'UTC')::date, %(metric)s, %(channel)s, %(author)s, %(user)s, %(amount)s)
"""
NOBODY = "00000000-0000-0000-0000-000000000000"
PAGE = "/dashboard/usage"
Owner = psycopg.AsyncConnection[object]


async def plant(owner: Owner, desk: Desk, metric: str = "messages_sent", author: str = "bot", amount: int = 7, **more: object) -> None:
    """A figure of today."""
    values = {"o": desk.organization_id, "metric": metric, "author": author, "amount": amount, "channel": new_id(), "user": NOBODY} | more
    await owner.execute(FIGURES, values)


async def choose(desk: Desk, over_limit: str, cap: str = "", metric: str = "messages_sent") -> httpx.Response:
    return await desk.send(f"{PAGE}/choices", page=PAGE, metric=metric, over_limit=over_limit, cap=cap)


async def test_an_organization_without_figures_is_told_when_there_are_some(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        page = (await desk.get(PAGE)).text
    assert "No figures by day yet" in page
    assert "Download CSV" not in page


async def test_figures_stand_by_day_and_number_and_member(database: Database, settings: Settings, owner: Owner) -> None:
    async with seated(database, settings) as desk:
        ((channel,),) = await (await owner.execute("select id from channels where organization_id = %s", (desk.organization_id,))).fetchall()
        ((user,),) = await (await owner.execute("select user_id from organization_members where organization_id = %s", (desk.organization_id,))).fetchall()
        await plant(owner, desk, "messages_received", "contact", 41, channel=channel)
        await plant(owner, desk, "messages_sent", "member", 17, channel=channel, user=user)
        await plant(owner, desk, "messages_sent", "member", 5, user=new_id())
        await plant(owner, desk, "api_requests", "nobody", 23, channel=NOBODY)
        page = (await desk.get(PAGE)).text
    for words in ("Messages per day", "API calls per day", "A number that is gone", "Somebody who left", '<td class="r">41</td>', '<td class="r">17</td>'):
        assert words in page, words
    assert 'id="table-messages"' in page
    assert 'id="table-api_requests"' in page


async def test_long_lists_have_pages(database: Database, settings: Settings, owner: Owner) -> None:
    async with seated(database, settings) as desk:
        for n in range(45):
            await plant(owner, desk, "messages_sent", "member", 1000 + n, user=new_id())
        pages = [(await desk.get(f"{PAGE}?members={at}")).text for at in (0, 1, 2, 7)]
        strange = (await desk.get(f"{PAGE}?members=-3&channels=99999999999&days=zebra")).text
    assert [page.count("Somebody who left") for page in pages] == [20, 20, 5, 0]
    assert "1,044" in pages[0]
    assert strange.count("Somebody who left") == 20


async def test_an_owner_lets_it_go_on_and_stop_again_and_both_are_told(database: Database, settings: Settings, owner: Owner) -> None:
    async with seated(database, settings) as desk:
        await choose(desk, "overage", "20,50")
        page = (await desk.get(PAGE)).text
        assert 'value="20.50"' in page
        await choose(desk, "stop", "20,50")
        rows = await (await owner.execute("select over_limit, cap from usage_choices")).fetchall()
        told = await (await owner.execute("select details -> 'changed' -> 'cap' from audit_logs where action = 'usage_choice.changed' order by seq")).fetchall()
    assert rows == [("stop", None)]
    assert told == [({"from": None, "to": 2050},), ({"from": 2050, "to": None},)]


@pytest.mark.parametrize(("metric", "cap", "status", "words"), [
    ("messages_sent", "", 422, "such as 20 or 20.50"), ("messages_sent", "-5", 422, "such as 20 or 20.50"),
    ("contacts", "20", 422, None), ("smiles", "20", 404, "no such limit"),
])  # fmt: skip
async def test_a_choice_that_makes_no_sense_is_refused(
    database: Database, settings: Settings, owner: Owner, metric: str, cap: str, status: int, words: str | None
) -> None:
    async with seated(database, settings) as desk:
        answer = await choose(desk, "overage", cap, metric)
    assert answer.status_code == status
    assert words is None or words in answer.text
    assert await (await owner.execute("select count(*) from usage_choices")).fetchall() == [(0,)]


async def test_a_file_has_every_figure_and_is_told_in_the_log(database: Database, settings: Settings, owner: Owner) -> None:
    async with seated(database, settings) as desk:
        await owner.execute("update channels set name = '=cmd' where organization_id = %s", (desk.organization_id,))
        ((channel,),) = await (await owner.execute("select id from channels where organization_id = %s", (desk.organization_id,))).fetchall()
        await plant(owner, desk, "messages_received", "contact", 41, channel=channel)
        await plant(owner, desk, "api_requests", "nobody", 23, channel=NOBODY)
        answer = await desk.send(f"{PAGE}/export", page=PAGE, days="90")
        told = await (await owner.execute("select count(*) from audit_logs where action = 'usage.exported'")).fetchall()
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["metric"], row["channel"], row["author"], row["amount"]) for row in rows] == [
        ("api_requests", "", "", "23"), ("messages_received", "'=cmd", "contact", "41"),
    ]  # fmt: skip
    assert told == [(1,)]


async def test_a_neighbours_figures_are_not_shown(database: Database, settings: Settings, owner: Owner) -> None:
    async with seated(database, settings) as desk, seated(database, settings, email="other@example.com") as other:
        await plant(owner, desk, "messages_received", "contact", 41_041)
        assert "41,041" in (await desk.get(PAGE)).text
        assert "41,041" not in (await other.get(PAGE)).text


async def test_where_credit_pays_it_is_shown(database: Database, settings: Settings, owner: Owner) -> None:
    async with seated(database, settings.model_copy(update={"overage_billing": "prepaid", "credit_packs": "5000"})) as desk:
        await owner.execute("update subscriptions set plan_id = 'starter' where organization_id = %s", (desk.organization_id,))
        page = (await desk.get(PAGE)).text
    for words in ("Use prepaid credit, up to an amount each month", 'id="credit"', "taken from your credit"):
        assert words in page, words
    assert "€50<" not in page  # nothing is sold where there is no Stripe


async def test_where_more_is_billed_afterwards_nothing_is_said_of_credit(database: Database, settings: Settings, owner: Owner) -> None:
    async with seated(database, settings) as desk:
        await owner.execute("update subscriptions set plan_id = 'starter' where organization_id = %s", (desk.organization_id,))
        assert "credit" not in (await desk.get(PAGE)).text
