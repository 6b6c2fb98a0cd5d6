"""The page of plans, prices and usage."""

import psycopg
import pytest

from frontdesk.billing.records import OperatorContact
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import seated


async def test_the_four_plans_stand_with_their_monthly_prices(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        page = (await desk.get("/dashboard/billing")).text
    for words in ("Starter", "Professional", "Business", "Enterprise", "€29", "€99", "€299", "€999", "No limit"):
        assert words in page
    assert "trial ends on" in page


async def test_a_year_costs_ten_months(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        page = (await desk.get("/dashboard/billing?pay=year")).text
    for price in ("€290", "€990", "€2,990", "€9,990"):
        assert price in page


async def test_usage_stands_against_the_limits(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        async with desk.tenant() as db:
            await db.run("select private.track_usage(%(o)s, 'messages_sent', 5100)", {"o": desk.organization_id})
        page = (await desk.get("/dashboard/billing")).text
    assert "<b>5,100</b>" in page
    assert "of 5,000" in page
    assert "Used up" in page


async def test_whoever_runs_the_installation_can_be_reached(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        assert "ask whoever runs this Frontdesk" in (await desk.get("/dashboard/billing")).text
    known = settings.model_copy(update={"operator_contact": "desk@example.com"})
    async with seated(database, known, email="other@example.com") as desk:
        assert 'href="mailto:desk@example.com"' in (await desk.get("/dashboard/billing")).text


async def test_a_trial_that_is_over_is_told(database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        await owner.execute("update public.subscriptions set trial_ends_at = now() - interval '1 day'")
        assert "trial ended on" in (await desk.get("/dashboard/billing")).text


@pytest.mark.parametrize(
    ("written", "href"),
    [
        ("desk@example.com", "mailto:desk@example.com"),
        ("https://example.com/help", "https://example.com/help"),
        ("Room 4, @ the stairs", None),
    ],
)
def test_an_address_of_the_operator_becomes_a_link(written: str, href: str | None) -> None:
    contact = OperatorContact.read(written)
    assert contact is not None
    assert contact.href == href


def test_nothing_written_is_no_contact() -> None:
    assert OperatorContact.read("  ") is None
