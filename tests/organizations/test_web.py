"""The settings page."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from frontdesk import organizations
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import Desk, seated
from tests.roles import becomes

PAGE = "/dashboard/settings"


@pytest.fixture
async def desk(database: Database, settings: Settings) -> AsyncIterator[Desk]:
    async with seated(database, settings) as desk:
        yield desk


async def test_name_clock_and_language_are_saved_and_written_down(desk: Desk) -> None:
    page = await desk.press(PAGE, PAGE, name="Zoë’s Salon  🙂", timezone="Africa/Lagos", locale="pt-BR")
    assert "The settings are saved." in page.text
    async with desk.tenant() as db:
        found = await organizations.current(db)
        details = await db.value("select details from public.audit_logs order by seq desc limit 1")
    assert (found.name, found.timezone, found.locale) == ("Zoë’s Salon 🙂", "Africa/Lagos", "pt-BR")
    assert details["changed"]["timezone"] == {"from": "UTC", "to": "Africa/Lagos"}


@pytest.mark.parametrize(("field", "typed", "said"), [
    ("name", " ", "Give the organization a name."), ("name", "ع" * 201, "This has 201."), ("timezone", "Mars/Base", "This is no time zone."),
    ("locale", "klingon", "This is no language."),
])  # fmt: skip
async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(desk: Desk, field: str, typed: str, said: str) -> None:
    answer = await desk.send(PAGE, page=PAGE, **({"name": "Other", "timezone": "UTC", "locale": "en"} | {field: typed}))
    assert answer.status_code == 422 and said in answer.text
    async with desk.tenant() as db:
        assert (await organizations.current(db)).name == "Lagos Glow Salon"


async def test_a_smaller_role_looks_and_changes_nothing(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    await becomes(owner, "member", desk.user_id)
    page = (await desk.get(PAGE)).text
    assert "Owners and admins can change this." in page and "/dashboard/settings/deletion" not in page
    assert (await desk.send(PAGE, page=PAGE, name="Mine")).status_code == 403
