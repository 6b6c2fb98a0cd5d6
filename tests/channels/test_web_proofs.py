"""On the pages: no number is connected, and no token taken, without WhatsApp's word."""

import psycopg
import pytest

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.channels.test_web import LIST, NEW, SECRET, TYPED, channel_id
from tests.conftest import Urls
from tests.desk import Desk, seated
from tests.graph import Graph, failure, show, tokens_of
from tests.roles import becomes

NUMBER = TYPED["phone_number_id"]
MINE = tokens_of(EAAG_secret=NUMBER, EAAG_fresh=NUMBER, EAAG_attacker="106540352240001")


@pytest.fixture
def settings(settings: Settings, meta: Graph) -> Settings:
    return settings.model_copy(update={"whatsapp_graph_url": meta.url})


async def connected(desk: Desk) -> int:
    async with desk.tenant() as db:
        return int(await db.value("select count(*) from public.channels where kind = 'cloud_api'"))


async def test_whatsapp_is_asked_with_the_token_before_a_number_is_connected(database: Database, settings: Settings, meta: Graph) -> None:
    async with seated(database, settings) as desk:
        assert "Main number is connected" in (await desk.press(NEW, page=NEW, **TYPED)).text
    assert meta.asked == [(f"/v26.0/{NUMBER}?fields=id,display_phone_number,verified_name", "Bearer EAAG-secret")]


async def test_a_squatter_cannot_take_the_number_of_another_before_he_comes(database: Database, settings: Settings, meta: Graph) -> None:
    meta.show = MINE
    async with seated(database, settings) as desk, seated(database, settings, email="squatter@example.com") as squatter:
        for own_app in ({}, {"own_app_secret": SECRET}):
            answer = await squatter.send(NEW, page=NEW, **(TYPED | {"access_token": "EAAG-attacker"}), **own_app)
            assert answer.status_code == 422 and "This token may not speak for this number." in answer.text
        assert await connected(squatter) == 0
        assert "Main number is connected" in (await desk.press(NEW, page=NEW, **TYPED)).text


async def test_a_number_that_exists_and_one_that_does_not_are_refused_alike(database: Database, settings: Settings, meta: Graph) -> None:
    meta.show = MINE
    async with seated(database, settings) as desk, seated(database, settings, email="squatter@example.com") as squatter:
        await desk.press(NEW, page=NEW, **TYPED)
        pages = [(await squatter.send(NEW, page=NEW, **(TYPED | {"access_token": "EAAG-attacker", "phone_number_id": number}))).text
                 for number in (NUMBER, "106540352249998")]  # fmt: skip
    assert all("may not speak for this number" in page and "connected already" not in page for page in pages)


async def test_a_token_that_whatsapp_refuses_is_named(database: Database, settings: Settings, meta: Graph) -> None:
    meta.show = MINE
    async with seated(database, settings) as desk:
        answer = await desk.send(NEW, page=NEW, **(TYPED | {"access_token": "EAAG-invented"}))
        assert await connected(desk) == 0
    assert answer.status_code == 422 and "does not accept this access token" in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert "EAAG" not in answer.text and NUMBER in answer.text


async def test_without_an_answer_nothing_is_connected_and_only_the_token_is_typed_again(database: Database, settings: Settings, meta: Graph) -> None:
    meta.show = lambda number, token: failure(2, status=503)
    async with seated(database, settings) as desk:
        answer = await desk.send(NEW, page=NEW, **TYPED)
        assert await connected(desk) == 0
    assert answer.status_code == 503 and "WhatsApp could not be asked" in answer.text
    assert all(TYPED[name] in answer.text for name in ("name", "display_number", "phone_number_id", "waba_id"))
    assert "EAAG" not in answer.text


async def test_a_new_token_is_proven_for_its_number_too(database: Database, settings: Settings, meta: Graph) -> None:
    async with seated(database, settings) as desk:
        await desk.press(NEW, page=NEW, **TYPED)
        renewal, meta.show = f"{LIST}/{await channel_id(desk)}/token", MINE
        for token, said in (("EAAG-attacker", "may not speak for this number"), ("EAAG-invented", "does not accept this access token")):
            refused = await desk.send(renewal, page=LIST, access_token=token)
            assert refused.status_code == 422 and said in refused.text and token not in refused.text
        meta.show = lambda number, token: failure(1, status=500)
        refused = await desk.send(renewal, page=LIST, access_token="EAAG-fresh")
        assert refused.status_code == 503 and "could not be asked" in refused.text
        meta.show = MINE
        assert "new token is in place" in (await desk.press(renewal, page=LIST, access_token="EAAG-fresh")).text


async def test_of_a_channel_that_is_not_his_or_a_sandbox_nobody_asks_whatsapp(database: Database, settings: Settings, meta: Graph) -> None:
    async with seated(database, settings) as desk, seated(database, settings, email="other@example.com") as other:
        await desk.press(NEW, page=NEW, **TYPED)
        async with other.tenant() as db:
            sandbox = await db.value("select id from public.channels")
        meta.asked.clear()
        for channel in (await channel_id(desk), sandbox):
            assert (await other.send(f"{LIST}/{channel}/token", page=LIST, access_token="mine")).status_code == 404
    assert meta.asked == []


async def test_who_may_not_change_numbers_asks_nothing(database: Database, settings: Settings, meta: Graph, owner: psycopg.AsyncConnection[object]) -> None:
    async with seated(database, settings) as desk:
        await desk.press(NEW, page=NEW, **TYPED)
        await becomes(owner, "member")
        meta.asked.clear()
        for path in (NEW, f"{LIST}/{await channel_id(desk)}/token"):
            assert (await desk.send(path, page="/dashboard/contacts", **TYPED)).status_code == 403
    assert meta.asked == []


async def test_no_transaction_is_open_while_whatsapp_is_asked(database: Database, settings: Settings, meta: Graph, urls: Urls) -> None:
    seen: list[object] = []

    def look(number: str, token: str) -> object:
        with psycopg.connect(urls.owner, autocommit=True) as connection:
            question = "select count(*), count(xact_start) from pg_stat_activity where datname = current_database() and usename = 'frontdesk_app'"
            seen.append(connection.execute(question).fetchone())
        return show(number, token)

    meta.show = look  # type: ignore[assignment]  # as above, with a look aside
    async with seated(database, settings) as desk:
        await desk.press(NEW, page=NEW, **TYPED)
        await desk.press(f"{LIST}/{await channel_id(desk)}/token", page=LIST, access_token="fresh")
    assert len(seen) == 2 and all(connections > 0 and transactions == 0 for connections, transactions in seen)  # type: ignore[misc]  # rows of two numbers
