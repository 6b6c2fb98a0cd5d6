"""The page of API keys: made once, shown once, revoked at once."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from frontdesk import app as application
from frontdesk.api import hash_of
from frontdesk.bell import Bell
from frontdesk.database import Database, new_id
from frontdesk.live import Live
from frontdesk.settings import Settings
from tests.strangers import join
from tests.users.browser import PASSWORD, Browser, hidden_fields
from tests.world import Shop, World

KEYS = "/dashboard/api-keys"
KEY = re.compile(r"fd_live_[0-9A-Za-z]{38}")


@dataclass
class House:
    built: Any
    browser: Browser
    owner: psycopg.AsyncConnection[Any]

    async def make(self, **fields: Any) -> httpx.Response:
        """Fill in the form of a new key and send it."""
        filled = {"name": "Web shop", "scopes": ["contacts:read", "messages:write"], "expires": "90", "networks": ""} | fields
        return await self.browser.send(f"{KEYS}/new", page=f"{KEYS}/new", **filled)

    async def made(self, **fields: Any) -> str:
        page = await self.make(**fields)
        found = KEY.search(page.text)
        assert found, page.text
        return found[0]

    async def see(self, query: str, *params: Any) -> list[Any]:
        return await (await self.owner.execute(query, params)).fetchall()  # type: ignore[arg-type]  # literal in every test

    async def become(self, role: str) -> None:
        """Give Maya another role; a colleague stays the owner."""
        await self.owner.execute(
            "update organization_members m set role = %s from auth.users u where u.id = m.user_id and u.email = 'maya@example.com'", (role,)
        )

    async def call(self, key: str, path: str = "/contacts") -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.built), base_url="http://desk.test/api/v1") as client:
            return (await client.get(path, headers={"authorization": f"Bearer {key}"})).status_code


@pytest.fixture
async def house(settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any]) -> AsyncIterator[House]:
    async with Live(database.url) as live:
        built: Any = application.build(settings, database, live, Bell(live))
        async with built.app.router.lifespan_context(built.app), Browser(built) as browser:
            await browser.register()
            ((organization_id,),) = await (await owner.execute("select id from organizations")).fetchall()
            shop = Shop("Lagos Glow Salon", organization_id, new_id(), new_id(), "")
            await join(World(database, owner, shop, shop), shop, "owner")
            yield House(built, browser, owner)
            await live.close()


async def test_a_page_without_keys_says_what_they_are_for(house: House) -> None:
    page = (await house.browser.get(KEYS)).text
    assert "No API key yet" in page
    assert f'href="{KEYS}/new"' in page


async def test_a_key_is_shown_once_and_only_its_hash_is_kept(house: House) -> None:
    key = await house.made(networks="198.51.100.0/24, 127.0.0.1")
    assert key not in (await house.browser.get(KEYS)).text
    assert key[:14] in (await house.browser.get(KEYS)).text
    ((name, prefix, scopes, networks, days),) = await house.see(
        "select name, prefix, scopes, networks::text[], round(extract(epoch from expires_at - now()) / 86400)::integer from api_keys"
    )
    assert (name, prefix, scopes, networks, days) == ("Web shop", key[:14], ["contacts:read", "messages:write"], ["198.51.100.0/24", "127.0.0.1/32"], 90)
    assert await house.see("select key_hash from private.api_key_hashes") == [(hash_of(key),)]
    assert await house.call(key) == 200
    everything = "".join(str(row) for row in await house.see("select row_to_json(a) from audit_logs a union all select row_to_json(k) from api_keys k"))
    assert key not in everything
    assert "api_key.created" in everything


async def test_a_revoked_key_opens_nothing_and_is_listed_as_such(house: House) -> None:
    key = await house.made()
    ((key_id,),) = await house.see("select id from api_keys")
    answer = await house.browser.send(f"{KEYS}/{key_id}/revocation", page=KEYS)
    assert (answer.status_code, answer.headers["location"], await house.call(key)) == (303, KEYS, 401)
    assert "Web shop" not in (page := (await house.browser.get(KEYS)).text).split("<main", 1)[1].replace("“Web shop”", "")
    assert "No key is in use" in page
    assert "Revoked" in (await house.browser.get(f"{KEYS}?show=ended")).text
    await house.browser.send(f"{KEYS}/{key_id}/revocation", page=KEYS)
    actions = await house.see("select action, details ->> 'name' from audit_logs where target_type = 'api_key' order by seq")
    assert actions == [("api_key.created", "Web shop"), ("api_key.revoked", "Web shop")]


async def test_sending_the_form_twice_makes_one_key(house: House) -> None:
    key_id = str(new_id())
    assert (await house.make(key_id=key_id)).status_code == 200
    again = await house.make(key_id=key_id)
    assert (again.status_code, KEY.search(again.text)) == (409, None)
    assert "shown only once" in again.text
    assert len(await house.see("select from api_keys")) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "Fill this in."), ({"name": "x" * 101}, "at most 100"), ({"scopes": []}, "at least one"),
        ({"networks": "shop"}, "no address"),
        ({"networks": " ".join(f"10.0.{n}.0/24" for n in range(51))}, "at most 50"), ({"expires": "7"}, "Choose one"),
        ({"scopes": ["api_keys:write"]}, "cannot be allowed"),
    ],
)  # fmt: skip
async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_made(house: House, fields: dict[str, Any], said: str) -> None:
    answer = await house.make(**fields)
    assert answer.status_code in (403, 422)
    assert said in answer.text
    assert await house.see("select from api_keys") == []


async def test_names_of_every_kind_are_shown_as_they_are(house: House) -> None:
    for name in ("<script>alert(1)</script>", "🛒" * 50, "متجر الويب", "'\"&{{7*7}}"):
        await house.made(name=name)
    page = (await house.browser.get(KEYS)).text
    assert "&lt;script&gt;" in page and "<script>alert" not in page
    assert "متجر الويب" in page and "{{7*7}}" in page


async def test_hundreds_of_keys_come_in_pages(house: House) -> None:
    await house.owner.execute(
        "insert into api_keys (organization_id, id, name, prefix, scopes, created_by) select organization_id, private.uuid_v7(), 'Key ' || n, 'fd_live_000000',"
        " '{contacts:read}', user_id from organization_members m join auth.users u on u.id = m.user_id and u.email = 'maya@example.com',"
        " generate_series(1, 230) as n"
    )
    seen, address = [], KEYS
    while address:
        page = (await house.browser.get(address)).text
        seen += re.findall(r">(Key \d+)</span>", page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 230
    assert re.findall(r">(Key \d+)</span>", (await house.browser.get(f"{KEYS}?q=KEY+117")).text) == ["Key 117"]
    assert "No key fits" in (await house.browser.get(f"{KEYS}?q=nothing%00")).text


async def test_a_key_that_turned_up_somewhere_is_found_and_not_repeated(house: House) -> None:
    key = await house.made(name="Lost one")
    await house.made(name="Another")
    page = (await house.browser.get(f"{KEYS}?q={key}")).text
    assert "Lost one" in page and "Another" not in page and key not in page


async def test_who_sees_and_who_makes_keys(house: House) -> None:
    await house.made()
    for role, status in (("admin", 200), ("member", 403), ("viewer", 403)):
        await house.become(role)
        assert (await house.browser.get(KEYS)).status_code == status, role
        assert ("API keys" in (await house.browser.get("/account")).text) == (status == 200), role


async def test_a_key_of_somebody_whose_role_is_smaller_now_says_so(house: House) -> None:
    key = await house.made(scopes=["organization:write", "contacts:read"])
    await house.become("member")
    ((organization_id,),) = await house.see("select distinct organization_id from organization_members")
    async with Browser(house.built) as boss:
        await boss.register(email="boss@example.com")
        await house.owner.execute(
            "insert into organization_members (organization_id, user_id, role) select %s, id, 'owner' from auth.users where email = 'boss@example.com'",
            (organization_id,),
        )
        await boss.send("/session/organization", page="/account", to=str(organization_id))
        assert "May do less" in (await boss.get(KEYS)).text
        await house.owner.execute("delete from organization_members where role = 'member'")
        page = (await boss.get(KEYS)).text
        assert "Stopped: its maker has left" in page and "somebody who has left" in page
    assert await house.call(key) == 401


async def test_who_proved_himself_long_ago_proves_it_again_first(house: House) -> None:
    key = await house.made()
    ((key_id,),) = await house.see("select id from api_keys")
    fields = {**hidden_fields((await house.browser.get(KEYS)).text), "name": "Another", "scopes": "contacts:read", "expires": "30", "key_id": str(new_id())}
    await house.see("update private.sessions set reauthenticated_at = now() - interval '11 minutes' returning 1")
    for path in (f"{KEYS}/new", f"{KEYS}/{key_id}/revocation"):
        answer = await house.browser.post(path, fields)
        assert answer.headers["location"].startswith("/account/reauthentication"), path
    assert (await house.browser.get(f"{KEYS}/new")).headers["location"] == "/account/reauthentication?next=/dashboard/api-keys/new"
    assert (len(await house.see("select from api_keys")), await house.call(key)) == (1, 200)
    await house.browser.send("/account/reauthentication", page="/account/reauthentication?next=/dashboard/api-keys", password=PASSWORD)
    await house.browser.send(f"{KEYS}/{key_id}/revocation", page=KEYS)
    assert await house.call(key) == 401


async def test_there_are_no_more_than_a_hundred_keys_that_open_something(house: House) -> None:
    await house.owner.execute(
        """
        insert into api_keys (organization_id, id, name, prefix, scopes, created_by, expires_at, revoked_at)
        select m.organization_id, gen_random_uuid(), 'x', 'fd_live_000000', '{contacts:read}', m.user_id,
          case when n = 101 then now() - interval '1 day' end, case when n = 102 then now() end
        from organization_members m join auth.users u on u.id = m.user_id and u.email = 'maya@example.com', generate_series(1, 102) as n
        """
    )
    full = await house.make()
    assert full.status_code == 409 and "at most 100 keys" in full.text
    await house.owner.execute(
        "update api_keys set revoked_at = now() where id = (select id from api_keys where revoked_at is null and expires_at is null limit 1)"
    )
    assert KEY.search((await house.make()).text)
    assert "at most 100 keys" in (await house.make()).text
