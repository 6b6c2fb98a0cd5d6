"""Who gets in with a key: whoever holds it, from where it may be used, as long as it and its maker are what they were."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from frontdesk import api_keys
from frontdesk.api import new_key
from tests.api.desk import Desk
from tests.api.test_neighbours import call, described, furnished
from tests.strangers import join
from tests.world import text, webhook


async def test_every_key_that_opens_nothing_is_refused_in_the_same_words(desk: Desk) -> None:
    revoked_id, revoked = await desk.make_key()
    async with desk.world.database.tenant(desk.shop.organization_id, desk.shop.actor) as db:
        await api_keys.revoke(db, revoked_id)
    expired = (await desk.make_key(expires_at=datetime.now(UTC) - timedelta(seconds=1)))[1]
    elsewhere = (await desk.make_key(networks=(ip_network("198.51.100.0/24"),)))[1]
    live = (await desk.make_key())[1]
    answers = []
    for key in (None, "", "nonsense", live[:-1], live + "x", live.lower(), new_key(), revoked, expired, elsewhere):
        async with desk.with_key(key) as program:
            answer = await program.get("/organization")
            told = answer.json()
            told.pop("request_id")
            answers.append((answer.status_code, answer.headers["content-type"], answer.headers["www-authenticate"], str(told)))
    assert set(answers) == {answers[0]}
    assert answers[0][:2] == (401, "application/problem+json")


async def test_a_key_is_read_from_its_header_only(desk: Desk) -> None:
    key = (await desk.make_key())[1]
    async with desk.with_key(None) as program:
        for headers, cookies, query in (
            ({}, {"key": key, "frontdesk_session": key}, ""),
            ({"x-api-key": key}, {}, ""),
            ({}, {}, f"?key={key}&access_token={key}"),
        ):
            program.client.cookies.update(cookies)
            assert (await program.client.get(f"/organization{query}", headers=headers)).status_code == 401
        assert (await program.client.get("/organization", headers={"authorization": f"bearer  {key}"})).status_code == 200
        assert (await program.client.get("/organization", headers={"authorization": f"Basic {key}"})).status_code == 401


async def test_a_missing_permission_is_named(desk: Desk) -> None:
    async with await desk.program("contacts:read") as program:
        answer = await program.get("/organization")
        assert (answer.status_code, "organization:read" in answer.json()["detail"]) == (403, True)
        assert (await program.get("/contacts")).status_code == 200
        assert (await program.get("/conversations")).status_code == 403


async def test_what_a_conversation_is_made_of_is_seen_but_its_doors_stay_shut(desk: Desk) -> None:
    conversation = await desk.conversation()
    async with await desk.program("messages:read") as program:
        assert (await program.get(f"/conversations/{conversation}")).json()["contact_name"] == "Lena"
        assert (await program.get("/contacts")).status_code == 403
        assert (await program.get("/auto-replies")).status_code == 403


async def test_a_revoked_key_stops_in_the_middle_of_a_series(desk: Desk) -> None:
    key_id, key = await desk.make_key()
    async with desk.with_key(key) as program:
        assert (await program.get("/contacts")).status_code == 200
        async with desk.world.database.tenant(desk.shop.organization_id, desk.shop.actor) as db:
            await api_keys.revoke(db, key_id)
        assert (await program.get("/contacts")).status_code == 401


async def test_a_key_shrinks_with_the_role_of_its_maker_and_grows_back(desk: Desk) -> None:
    admin = await join(desk.world, desk.shop, "admin")
    async with await desk.program(user_id=admin) as program:
        assert (await program.client.patch("/organization", json={"name": "Mine"})).status_code == 200
        await desk.rows("update organization_members set role = 'viewer' where user_id = %s returning 1", admin)
        assert (await program.client.patch("/organization", json={"name": "Ours"})).status_code == 403
        assert (await program.get("/organization")).json()["name"] == "Mine"
        await desk.rows("update organization_members set role = 'admin' where user_id = %s returning 1", admin)
        assert (await program.client.patch("/organization", json={"name": "Ours"})).status_code == 200


ENDS = (
    "delete from organization_members where user_id = %s returning 1",
    "update auth.users set banned_until = 'infinity' where id = %s returning 1",
    "update auth.users set deleted_at = now() where id = %s returning 1",
)


@pytest.mark.parametrize("end", ENDS)
async def test_a_key_stops_when_its_maker_is_out(desk: Desk, end: str) -> None:
    admin = await join(desk.world, desk.shop, "admin")
    async with await desk.program(user_id=admin) as program:
        assert (await program.get("/contacts")).status_code == 200
        await desk.rows(end, admin)
        assert (await program.get("/contacts")).status_code == 401


async def test_allowed_networks_are_kept_whatever_the_caller_says_of_himself(desk: Desk) -> None:
    networks = (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))
    key = (await desk.make_key(networks=networks))[1]
    for address, status in ("198.51.100.7", 200), ("198.51.101.7", 401), ("2001:db8:1::5", 200), ("2001:db9::5", 401), ("::ffff:198.51.100.9", 200):
        async with desk.with_key(key, address) as program:
            for headers in {}, {"x-forwarded-for": "198.51.100.7"}, {"forwarded": "for=198.51.100.7"}, {"x-real-ip": "198.51.100.7"}:
                assert (await program.client.get("/organization", headers=headers)).status_code == status, (address, headers)


async def test_use_is_written_down_once_a_minute(desk: Desk) -> None:
    key_id, key = await desk.make_key()
    seen = "select last_used_at, last_used_from from api_keys where id = %s"
    assert await desk.rows(seen, key_id) == [(None, None)]
    async with desk.with_key(key) as program:
        await program.get("/organization")
        ((first, place),) = await desk.rows(seen, key_id)
        assert (first is not None, place) == (True, "203.0.113.5")
        await program.get("/organization")
        assert (await desk.rows(seen, key_id))[0][0] == first
        await desk.rows("update api_keys set last_used_at = now() - interval '61 seconds' where id = %s returning 1", key_id)
        await program.get("/contacts/not-even-an-id")
        assert (await desk.rows(seen, key_id))[0][0] > first


async def test_what_a_key_does_stands_in_the_log_under_its_name(desk: Desk) -> None:
    key_id, key = await desk.make_key(name="Web shop")
    async with desk.with_key(key) as program:
        await program.client.patch("/organization", json={"name": "Another"}, headers={"user-agent": "shop/1.0"})
    told = await desk.rows("select actor_kind, actor_id, actor_name, address, user_agent from audit_logs where action = 'organization.changed'")
    assert told == [("api_key", key_id, "Web shop", "203.0.113.5", "shop/1.0")]


async def test_errors_are_told_in_one_form(desk: Desk) -> None:
    async with await desk.program() as program:
        for method, path, status in (
            ("GET", "/nowhere", 404), ("PUT", "/organization", 405), ("GET", "/contacts/no-id", 404), ("GET", "/contacts?limit=0", 422),
            ("GET", "/contacts?q=%00", 422),
        ):  # fmt: skip
            answer = await program.client.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
            assert answer.json()["status"] == status
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert (await program.client.put("/organization")).headers["allow"] == "GET, PATCH"
        for body in b"{", b"[]", b'{"name": "\\u0000"}', b'{"name": "\\ud800"}', b'{"nam": "x"}', b'{"name": 5}', b"\xff", b"":
            answer = await program.client.patch("/organization", content=body, headers={"content-type": "application/json"})
            assert answer.status_code in (400, 422), (body, answer.text)
            assert answer.headers["content-type"] == "application/problem+json", body
        huge = await program.client.patch("/organization", content=b'"' + b"x" * 1_100_000 + b'"', headers={"content-type": "application/json"})
        assert (huge.status_code, huge.headers["content-type"]) == (413, "application/problem+json")


@pytest.mark.parametrize("role", ["owner", "admin", "member", "viewer"])
async def test_a_key_with_every_permission_does_what_the_role_of_its_maker_does(desk: Desk, role: str) -> None:
    maker = await join(desk.world, desk.shop, "owner")
    of_shop = await furnished(desk)
    held = {row[0] for row in await desk.rows("select permission from role_permissions where role = %s", role)}
    async with await desk.program(user_id=maker) as program:
        await desk.rows("update organization_members set role = %s where user_id = %s returning 1", role, maker)
        for (method, path), needed in described(desk).items():
            answer = await call(program, method, path, of_shop)
            assert (answer.status_code == 403) == (needed not in held), (role, method, path, answer.text)


async def test_a_key_of_a_restricted_member_shows_what_he_sees(desk: Desk) -> None:
    maya = await join(desk.world, desk.shop, "admin")
    await desk.world.arrive(desk.shop, webhook(desk.shop, text("hi", of="4915112345678", name="Lena")))
    async with await desk.program(user_id=maya) as program:
        (one,) = (await program.get("/contacts")).json()["data"]
        assert one["phone"] == "4915112345678" and len((await program.get("/conversations")).json()["data"]) == 1
        await desk.world.owner.execute("update organization_members set withheld = '{phone_numbers:read}' where user_id = %s", (maya,))
        (one,) = (await program.get("/contacts")).json()["data"]
        assert one["phone"] == "49 ••• ••78" and (await program.get(f"/contacts/{one['id']}")).json()["addresses"] == []
        assert (await program.get("/contacts", q="4915112345678")).json()["data"] == []
        await desk.world.owner.execute("update organization_members set withheld = '{conversations:oversee}' where user_id = %s", (maya,))
        await desk.world.owner.execute("update conversations set assigned_to = %s", (desk.shop.owner_id,))
        assert (await program.get("/conversations")).json()["data"] == [] == (await program.get("/contacts")).json()["data"]
        assert (await program.get(f"/contacts/{one['id']}")).status_code == 404


async def test_a_key_of_a_restricted_member_writes_where_he_may(desk: Desk) -> None:
    conversation = await desk.conversation()
    maker = await join(desk.world, desk.shop, "admin")
    async with await desk.program(user_id=maker) as program:
        await desk.rows("update organization_members set withheld = '{phone_numbers:read,conversations:oversee}' where user_id = %s returning 1", maker)
        assert (await program.post(f"/conversations/{conversation}/messages", {"text": "still yours"})).status_code == 201
        await desk.rows("update conversations set assigned_to = %s where id = %s returning 1", desk.shop.owner_id, conversation)
        for path in f"/conversations/{conversation}", f"/conversations/{conversation}/messages":
            assert (await program.get(path)).status_code == 404, path
        assert (await program.post(f"/conversations/{conversation}/messages", {"text": "not yours"})).status_code == 404
