"""The pages of numbers."""

import re

import psycopg
import pytest

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import Desk, seated
from tests.graph import Graph
from tests.roles import becomes

LIST, NEW = "/dashboard/channels", "/dashboard/channels/new"
TYPED = {
    "name": "Main number",
    "display_number": "+49 151 12345678",
    "phone_number_id": "106540352249999",
    "waba_id": "102290129340398",
    "access_token": "EAAG-secret",
}
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def settings(settings: Settings, meta: Graph) -> Settings:
    return settings.model_copy(update={"whatsapp_graph_url": meta.url})


async def channel_id(desk: Desk) -> str:
    async with desk.tenant() as db:
        return str(await db.value("select id from public.channels where kind = 'cloud_api'"))


async def test_a_new_organization_sees_its_sandbox_number_and_the_way_to_its_phone(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        page = (await desk.get(LIST)).text
        async with desk.tenant() as db:
            number = await db.value("select phone_number_id from public.channels")
    assert "+1 555 01" in page
    assert f'href="/simulator/phones/{number}"' in page
    assert "Your own number is not connected yet" in page


async def test_a_number_is_connected_by_the_form(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        form = (await desk.get(NEW)).text
        assert "http://127.0.0.1:3002/webhooks/whatsapp" in form
        assert "FRONTDESK_PUBLIC_URL" in form
        page = (await desk.press(NEW, page=NEW, **TYPED)).text
    assert "Main number is connected" in page
    assert "+49 1511 2345678" in page
    assert "EAAG-secret" not in page


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("phone_number_id", "+49", "number of 5 to 40 digits"),
        ("display_number", "call me", "with its country code"),
        ("access_token", "two words", "without spaces"),
        ("name", "", "Fill this in."),
    ],
)
async def test_a_wrong_field_is_named_and_the_rest_is_kept(database: Database, settings: Settings, field: str, typed: str, said: str) -> None:
    async with seated(database, settings) as desk:
        answer = await desk.send(NEW, page=NEW, **(TYPED | {field: typed}))
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert TYPED["waba_id"] in answer.text
    assert "EAAG-secret" not in answer.text


async def test_every_wrong_field_is_named_at_once(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        refused = await desk.send(NEW, page=NEW, **(TYPED | {"display_number": "12", "phone_number_id": "abc", "waba_id": "xyz"}))
        assert refused.text.count('aria-invalid="true"') == 3


async def test_the_plan_has_room_for_one_number(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        await desk.press(NEW, page=NEW, **TYPED)
        second = await desk.send(NEW, page=NEW, **(TYPED | {"phone_number_id": "106540352240001"}))
        assert second.status_code == 422
        assert "The plan Starter allows 1 channel." in second.text
        assert "Your plan has room for no further number" in (await desk.get(LIST)).text


async def test_a_new_token_and_a_goodbye(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        await desk.press(NEW, page=NEW, **TYPED)
        here = f"{LIST}/{await channel_id(desk)}"
        refused = await desk.send(f"{here}/token", page=LIST, access_token="two words")
        assert refused.status_code == 422
        assert "without spaces" in refused.text
        assert "new token is in place" in (await desk.press(f"{here}/token", page=LIST, access_token="fresh")).text
        assert "It has no conversations yet." in (await desk.get(LIST)).text
        assert "is disconnected" in (await desk.press(f"{here}/disconnection", page=LIST)).text


async def test_what_is_wrong_with_a_number_is_told(database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        await desk.press(NEW, page=NEW, **TYPED)
        await owner.execute("update public.channels set stopped_at = now(), stopped_reason = 'The token has expired.' where kind = 'cloud_api'")
        page = (await desk.get(LIST)).text
        assert "The token has expired." in page
        assert "Stopped" in page
        assert "The token has expired." in (await desk.get("/dashboard")).text


async def test_a_number_in_an_own_app_shows_its_address_to_those_who_may_change_numbers_only(
    database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]
) -> None:
    address = re.compile(r"http://127\.0\.0\.1:3002/webhooks/whatsapp/[\w-]{43}(?![\w-])")
    async with seated(database, settings) as desk:
        page = (await desk.press(NEW, page=NEW, **TYPED, own_app_secret=SECRET)).text
        assert "Give your Meta app its webhook address now." in page
        assert address.search(page) and SECRET not in page
        assert "Copy the verify token of Main number" in page
        await becomes(owner, "member")
        page = (await desk.get(LIST)).text
        assert "Main number" in page and "/webhooks/whatsapp/" not in page and "Your own Meta app" not in page


async def test_a_new_app_secret_is_put_in_place_and_a_wrong_one_named(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        refused = await desk.send(NEW, page=NEW, **TYPED, own_app_secret="too short")
        assert refused.status_code == 422 and "at" in refused.text and "16 of them" in refused.text and "too short" not in refused.text
        await desk.press(NEW, page=NEW, **TYPED, own_app_secret=SECRET)
        here = f"{LIST}/{await channel_id(desk)}/app-secret"
        refused = await desk.send(here, page=LIST, app_secret="short")
        assert refused.status_code == 422 and "16 of them" in refused.text
        assert "The new app secret is in place." in (await desk.press(here, page=LIST, app_secret=SECRET[::-1])).text
        await desk.press(f"{LIST}/{await channel_id(desk)}/disconnection", page=LIST)
        await desk.press(NEW, page=NEW, **TYPED)
        assert (await desk.send(f"{LIST}/{await channel_id(desk)}/app-secret", page=LIST, app_secret=SECRET)).status_code == 404


async def test_an_address_that_cannot_be_opened_any_more_says_so(database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        await desk.press(NEW, page=NEW, **TYPED, own_app_secret=SECRET)
        await owner.execute("update private.channel_apps set webhook_token = 'sealed with a key that is gone'")
        assert "FRONTDESK_SECRET_KEYS of before" in (await desk.get(LIST)).text


async def test_a_member_sees_numbers_and_changes_none(database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        await becomes(owner, "member")
        page = (await desk.get(LIST)).text
        assert "+1 555 01" in page
        assert NEW not in page
        assert (await desk.get(NEW)).status_code == 403
        assert (await desk.send(NEW, page="/dashboard/contacts", **TYPED)).status_code == 403


async def test_a_strangers_channel_is_not_there(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk, seated(database, settings, email="other@example.com") as other:
        await desk.press(NEW, page=NEW, **TYPED)
        theirs = f"{LIST}/{await channel_id(desk)}"
        assert (await other.send(f"{theirs}/token", page=LIST, access_token="mine")).status_code == 404
        assert (await other.send(f"{theirs}/disconnection", page=LIST)).status_code == 404
        taken = await other.send(NEW, page=NEW, **TYPED)
        assert taken.status_code == 422
        assert "connected already" in taken.text


async def test_a_lost_sandbox_number_can_be_opened_again(database: Database, settings: Settings, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        await owner.execute("delete from public.channels")
        assert "Open a sandbox number" in (await desk.get(LIST)).text
        assert "Your sandbox number is +1 555 01" in (await desk.press(f"{LIST}/sandbox", page=LIST)).text
