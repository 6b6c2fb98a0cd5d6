"""The first page behind the sign-in."""

import psycopg

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import seated
from tests.roles import becomes


async def test_the_overview_says_what_to_do_first_and_counts_nothing_before_there_is_something(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        page = (await desk.get("/dashboard")).text
        for words in ("Maya", "Getting started", "Say hi on the simulated phone", "Connect your WhatsApp number", "Sandbox number"):
            assert words in page
        for words in ("Messages per day", "Messages today", "Nobody is waiting"):
            assert words not in page
        assert page.index("Getting started") < page.index("Sandbox number")


async def test_the_overview_counts_what_happened(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        await desk.press("/dashboard/sample-data", page="/dashboard")
        month = (await desk.get("/dashboard?days=30")).text
        for words in ("14 days", "Messages today", "Waiting for an answer", "customers wait for an answer"):
            assert words in month
        assert month.count('<tr><th scope="row">') == 30
        assert month.count(' y="228" ') == 10  # every third day has its label, or they would touch
        assert (await desk.get("/dashboard?days=365")).text.count('<tr><th scope="row">') == 14


async def test_a_member_is_not_offered_sample_data(database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        await becomes(owner, "member")
        assert "Load sample data" not in (await desk.get("/dashboard")).text
        assert (await desk.send("/dashboard/sample-data", page="/dashboard/contacts")).status_code == 403
