"""The first page behind the sign-in."""

import psycopg

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import seated


async def test_the_overview_greets_and_says_what_to_do_first(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        page = (await desk.get("/dashboard")).text
        for words in (
            "Maya",
            "Getting started",
            "Say hi on the simulated phone",
            "Connect your WhatsApp number",
            "14 days",
            "Sandbox number",
        ):
            assert words in page
        month = (await desk.get("/dashboard?days=30")).text
        assert month.count('<tr><th scope="row">') == 30
        assert (await desk.get("/dashboard?days=365")).text.count('<tr><th scope="row">') == 14
        await desk.press("/dashboard/sample-data", page="/dashboard")
        full = (await desk.get("/dashboard?days=30")).text
        assert "Waiting for an answer" in full
        assert "customers wait for an answer" in full


async def test_a_member_is_not_offered_sample_data(database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        await owner.execute("update public.organization_members set role = 'member'")
        assert "Load sample data" not in (await desk.get("/dashboard")).text
        assert (await desk.send("/dashboard/sample-data", page="/dashboard/contacts")).status_code == 403
