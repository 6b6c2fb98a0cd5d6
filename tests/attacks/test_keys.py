"""API keys: revoked, too old, too narrow, of somebody who has lost his rights; and places in a neighbour's lists."""

from typing import Any
from uuid import UUID

import pytest

from frontdesk.database import new_id
from tests.api.desk import Desk, Program
from tests.test_strangers import SECRET

BODY: dict[str, Any] = {"name": SECRET, "trigger": "fallback", "reply": "x"}
OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override", "_method")


async def another_admin(desk: Desk) -> UUID:
    """Somebody else of the shop's."""
    other = new_id()
    await desk.world.owner.execute(
        "insert into auth.users (id, email, raw_user_meta_data) values (%s, 'a@x.de', '{\"joins_by_invitation\": \"true\"}')", (other,)
    )
    await desk.world.owner.execute(
        "insert into organization_members (organization_id, user_id, role) values (%s, %s, 'admin')", (desk.shop.organization_id, other)
    )
    return other


async def rule(program: Program, key: str = "once") -> str:
    answer = await program.post("/auto-replies", BODY, key)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("change", ["revoked_at = now()", "expires_at = now() - interval '1 second'", "networks = '{192.0.2.0/24}'"])
async def test_a_key_that_opens_nothing_any_more_is_not_answered_from_what_was_kept(desk: Desk, change: str) -> None:
    async with await desk.program() as program:
        await rule(program)
        await desk.world.owner.execute(f"update api_keys set {change}")  # type: ignore[arg-type]  # one of the above
        again = await program.post("/auto-replies", BODY, "once")
        assert again.status_code == 401 and SECRET not in again.text and "idempotency-replayed" not in again.headers


async def test_a_kept_answer_is_not_read_out_to_a_maker_who_has_lost_the_right(desk: Desk) -> None:
    other = await another_admin(desk)
    async with await desk.program(user_id=other) as program:
        await rule(program)
        await desk.world.owner.execute("update organization_members set role = 'viewer' where user_id = %s", (other,))
        again = await program.post("/auto-replies", BODY, "once")
        assert again.status_code == 403 and SECRET not in again.text


async def test_a_key_that_may_read_only_changes_nothing_by_a_claimed_method(desk: Desk) -> None:
    async with await desk.program() as all_of_it, await desk.program("auto_replies:read") as narrow:
        rule_id = await rule(all_of_it)
        for claimed in OVERRIDES:
            for method in ("DELETE", "PATCH", "PUT"):
                answer = await narrow.client.get(f"/auto-replies/{rule_id}", headers={claimed: method}, params={"_method": method})
                assert answer.status_code in (200, 422)
                assert (await narrow.client.post(f"/auto-replies/{rule_id}", headers={claimed: method, "idempotency-key": "x"})).status_code == 405
        for path in (f"/auto-replies/{rule_id}/", f"//auto-replies/{rule_id}", f"/AUTO-REPLIES/{rule_id}", f"/auto-replies/%2e%2e/auto-replies/{rule_id}"):
            assert (await narrow.client.delete(path)).status_code in (307, 403, 404, 405), path
        assert (await all_of_it.get(f"/auto-replies/{rule_id}")).status_code == 200


async def test_a_key_opens_no_page_and_a_page_opens_no_api(desk: Desk) -> None:
    async with await desk.program() as program:
        for path in ("/dashboard", "/dashboard/api-keys", "/account", "/dashboard/audit"):
            answer = await program.client.get(f"http://desk.test{path}")
            assert answer.status_code == 303 and answer.headers["location"].startswith("/login"), path
    async with desk.with_key(None) as nobody:
        for word in ("frontdesk_session", "__Host-frontdesk"):
            assert (await nobody.client.get("/organization", headers={"cookie": f"{word}=anything"})).status_code == 401


async def test_two_keys_in_one_call_are_none(desk: Desk) -> None:
    mine, theirs = (await desk.make_key())[1], (await desk.make_key(desk.world.neighbour))[1]
    async with desk.with_key(None) as program:
        for header in (
            f"Bearer {mine}, Bearer {theirs}",
            f"Bearer {mine},{theirs}",
            f"Bearer {mine} {theirs}",
            f"Basic {mine}",
            f"Bearer {mine}\t{theirs}",
            mine,
        ):
            assert (await program.client.get("/organization", headers={"authorization": header})).status_code == 401, header
        both = [("authorization", f"Bearer {theirs}"), ("authorization", f"Bearer {mine}")]
        answer = await program.client.get("/organization", headers=both)
        assert answer.status_code == 401 or answer.json()["id"] == str(desk.world.neighbour.organization_id)


async def test_a_cursor_of_the_neighbours_lists_leads_through_ones_own_only(desk: Desk) -> None:
    for number in range(3):
        await desk.world.arrive(desk.shop, *[_from(desk, number)])
    async with await desk.program() as program, await desk.program(shop=desk.world.neighbour) as thief:
        for path in ("/contacts", "/conversations", "/audit-log", "/members", "/auto-replies"):
            page = await program.get(path, limit=1)
            cursor = page.json()["next_cursor"]
            if cursor:
                answer = await thief.get(path, cursor=cursor)
                assert answer.status_code in (200, 400, 422), path
                ids = [str(one.get("id") or one.get("seq") or one.get("user_id")) for one in (await program.get(path)).json()["data"]]
                assert answer.status_code != 200 or not [one for one in ids if len(one) > 30 and one in answer.text], path


def _from(desk: Desk, number: int) -> bytes:
    from tests import world as world_

    return world_.webhook(desk.shop, world_.text(f"hello {number}", of=f"49151123456{number}0", name=f"{SECRET} {number}"))


async def test_nothing_is_sent_in_a_conversation_of_the_neighbour_whatever_the_body_says(desk: Desk) -> None:
    theirs, own = await desk.conversation(), await desk.conversation(desk.world.neighbour)
    async with await desk.program(shop=desk.world.neighbour) as thief:
        assert (await thief.post(f"/conversations/{theirs}/messages", {"text": "hi"})).status_code == 404
        assert (await thief.post(f"/conversations/{own}/messages", {"text": "hi", "conversation_id": str(theirs)})).status_code == 422
        assert (
            await thief.get(f"/conversations/{own}/messages/{(await desk.rows('select id from messages where conversation_id = %s', theirs))[0][0]}")
        ).status_code == 404
    assert await desk.rows("select 1 from messages where conversation_id = %s and direction = 'out' and author = 'member'", theirs) == []


async def test_a_key_of_a_removed_member_is_dead_for_good_unless_he_is_let_in_again(desk: Desk) -> None:
    other = await another_admin(desk)
    async with await desk.program(user_id=other) as program:
        assert (await program.get("/organization")).status_code == 200
        await desk.world.owner.execute("delete from organization_members where user_id = %s", (other,))
        assert (await program.get("/organization")).status_code == 401
        # in the neighbour's organization he is an owner now: his old key does not follow him
        await desk.world.owner.execute(
            "insert into organization_members (organization_id, user_id, role) values (%s, %s, 'owner')", (desk.world.neighbour.organization_id, other)
        )
        assert (await program.get("/organization")).status_code == 401
