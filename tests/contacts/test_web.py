"""The pages of contacts."""

from uuid import UUID

import psycopg

from frontdesk.database import Database, new_id
from frontdesk.settings import Settings
from tests.desk import Desk, seated
from tests.roles import becomes

LIST = "/dashboard/contacts"


async def add(desk: Desk, name: str, *, phone: str | None = None, username: str | None = None) -> UUID:
    contact_id = new_id()
    async with desk.tenant() as db:
        await db.run(
            """
            insert into public.contacts (organization_id, id, name, phone, username, search_text, last_seen_at)
            values (%(organization_id)s, %(id)s, %(name)s, %(phone)s, %(username)s, lower(%(name)s), now())
            """,
            {
                "organization_id": desk.organization_id,
                "id": contact_id,
                "name": name,
                "phone": phone,
                "username": username,
            },
        )
    return contact_id


async def test_names_of_every_kind_have_a_place(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        assert "No contacts yet" in (await desk.get(LIST)).text
        long = await add(desk, "L" * 400)
        await add(desk, "<b>Bold & Co</b>")
        await add(desk, "فاطمة السيد", phone="971505550129")
        await add(desk, "", username="zainab.a")
        nameless = await add(desk, "")
        page = (await desk.get(LIST)).text
        for words in (
            "L" * 400,
            "&lt;b&gt;Bold &amp; Co&lt;/b&gt;",
            "فاطمة السيد",
            "@zainab.a",
            "Somebody without a name",
            "No number shown",
        ):
            assert words in page
        assert "+971 50 555 0129" in page
        assert (await desk.get(f"{LIST}/{long}")).status_code == 200
        assert "Somebody without a name" in (await desk.get(f"{LIST}/{nameless}")).text
        assert "Nobody fits" in (await desk.get(f"{LIST}?q=nobody&show=blocked&before=rubbish")).text


async def test_a_contact_is_blocked_unblocked_and_renamed(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        here = f"{LIST}/{await add(desk, 'Lena', phone='4915112345678')}"
        assert "Lena is blocked" in (await desk.press(f"{here}/block", page=here)).text
        page = (await desk.get(here)).text
        assert "Blocked: Today" in page
        assert "by Maya Bello" in page
        assert "Lena" in (await desk.get(f"{LIST}?show=blocked")).text
        assert "not blocked any more" in (await desk.press(f"{here}/unblock", page=here)).text
        assert "This contact is now Lena from Kiel" in (await desk.press(f"{here}/name", page=here, given_name="Lena from Kiel")).text
        refused = await desk.send(f"{here}/name", page=here, given_name="x" * 401)
        assert refused.status_code == 422
        assert "at most 400 characters" in refused.text


async def test_viewers_look_and_change_nothing(database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        here = f"{LIST}/{await add(desk, 'Lena')}"
        await becomes(owner, "viewer")
        page = (await desk.get(here)).text
        assert "Lena" in page
        assert "Block" not in page
        assert "/dashboard/billing" not in page
        for verb in ("block", "unblock", "name"):
            assert (await desk.send(f"{here}/{verb}", page=here)).status_code == 403


async def test_a_strangers_contact_is_not_there(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk, seated(database, settings, email="other@example.com") as other:
        here = f"{LIST}/{await add(desk, 'Lena')}"
        assert (await other.get(here)).status_code == 404
        assert (await other.send(f"{here}/block", page=LIST)).status_code == 404
        assert (await other.get(f"{LIST}/not-an-id")).status_code == 404
        assert "Lena" not in (await other.get(LIST)).text


async def test_a_contact_over_the_plans_limit_is_marked_and_can_only_be_read(
    database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]
) -> None:
    async with seated(database, settings) as desk:
        await add(desk, "Ada")
        over = f"{LIST}/{await add(desk, 'Ben')}"
        await owner.execute("update subscription_plans set limits = limits || '{\"contacts\": 1}'")
        await owner.execute("select private.mark_held_back(%s)", (desk.organization_id,))
        page = (await desk.get(LIST)).text
        assert "1 contact is over your plan" in page and page.count("Read-only") == 1
        shown = (await desk.get(over)).text
        assert "Read-only: over your plan" in shown and 'name="given_name"' not in shown and "Block" in shown
        refused = await desk.send(f"{over}/name", page=LIST, given_name="Benjamin")
        assert refused.status_code == 409 and "beyond what your plan allows" in refused.text
