"""No route of the API lets a stranger near an organization: every route there is, with a neighbour's key and with none."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.routing import Mount

from frontdesk.access import Permission
from frontdesk.database import new_id
from frontdesk.web import needs_of
from tests.api.desk import EVERYTHING, Desk, Program
from tests.strangers import tenant_table_names

# What names a thing of an organization in a path, and how to find the shop's. A new name has to be added here.
NAMED = {
    "contact_id": "select id from contacts where organization_id = %s limit 1",
    "conversation_id": "select id from conversations where organization_id = %s limit 1",
    "message_id": "select id from messages where organization_id = %s and direction = 'out' limit 1",
    "user_id": "select user_id from organization_members where organization_id = %s limit 1",
    "invitation_id": "select id from organization_invitations where organization_id = %s limit 1",
    "rule_id": "select id from auto_replies where organization_id = %s limit 1",
}
# Every body, filled in well: a stranger must fail for being one, not for a missing field.
BODIES: dict[str, Any] = {
    "PATCH /organization": {"name": "Mine now"},
    "POST /conversations/{conversation_id}/messages": {"text": "hello"},
    "POST /invitations": {"email": "newcomer@example.com", "role": "viewer"},
    "POST /billing/checkout-links": {"price": "starter_month_eur"},
    "POST /auto-replies": {"name": "x", "trigger": "fallback", "reply": "x"},
    "PATCH /auto-replies/{rule_id}": {"name": "Mine now"},
    "PUT /auto-replies/{rule_id}/switch": {"on": False},
}
AT_STRIPE = ("/billing/checkout-links", "/billing/portal-links")  # which is not there; tests/billing tells what they answer
SECRET = "Zebulon Only-Here"
CHANGING = {"api_keys"}  # when a key was last used


def routes(desk: Desk) -> list[tuple[str, str]]:
    """Method and path of every route that is described."""
    mounted = next(route for route in desk.built.app.routes if isinstance(route, Mount) and route.path == "/api/v1")
    needs = needs_of(mounted.app.routes)  # type: ignore[attr-defined]  # it is a FastAPI
    assert {path for (_, path), needed in needs.items() if not isinstance(needed, Permission)} == {"/openapi.json", "/reference"}
    return sorted((one for one, needed in needs.items() if needed), key=lambda one: (one[0] == "DELETE", one))


async def state(desk: Desk) -> dict[str, Any]:
    """All rows of the shop, table by table."""
    seen = {}
    for table in set(await tenant_table_names(desk.world.owner)) - CHANGING:
        key = "id" if table == "organizations" else "organization_id"
        seen[table] = await desk.rows(
            f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t where {key} = %s", desk.shop.organization_id
        )
    return seen


async def furnished(desk: Desk) -> dict[str, str]:
    """Give the shop one of everything, and say how each is called."""
    await desk.conversation()
    await desk.rows("update auth.users set email_confirmed_at = now() returning 1")
    await desk.rows(
        "insert into organization_invitations (organization_id, id, email, role, token_hash, expires_at, invited_by)"
        " values (%s, %s, 'only-here@example.com', 'viewer', %s, now() + interval '7 days', %s) returning 1",
        desk.shop.organization_id, new_id(), bytes(32), desk.shop.owner_id,
    )  # fmt: skip
    await desk.rows("update contacts set given_name = %s where organization_id = %s returning 1", SECRET, desk.shop.organization_id)
    return {name: str((await desk.rows(question, desk.shop.organization_id))[0][0]) for name, question in NAMED.items()}


async def call(program: Program, method: str, path: str, of: dict[str, str]) -> httpx.Response:
    """Call a route with all that a call of one's own would have."""
    headers = {"idempotency-key": f"{new_id()}"} if method == "POST" else {}
    return await program.client.request(method, path.format_map(of), json=BODIES.get(f"{method} {path}"), headers=headers)


def plain(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, re.sub(r'"request_id":"\w+"', "", answer.text)


async def test_what_a_neighbour_names_is_as_missing_as_what_never_was(desk: Desk) -> None:
    of_shop, found = await furnished(desk), {}
    before, named = await state(desk), [one for one in routes(desk) if "{" in one[1]]
    assert len(named) >= 8
    async with await desk.program(shop=desk.world.neighbour) as neighbour:
        for method, path in named:
            answer = await call(neighbour, method, path, of_shop)
            missing = await call(neighbour, method, path, {name: str(new_id()) for name in of_shop})
            if answer.status_code != 404 or plain(answer) != plain(missing):
                found[f"{method} {path}"] = (answer.status_code, answer.text, missing.text)
    assert found == {}
    assert await state(desk) == before


async def test_to_its_own_programs_everything_is_there_or_the_test_above_would_prove_nothing(desk: Desk) -> None:
    of_shop = await furnished(desk)
    async with await desk.program() as program:
        for method, path in routes(desk):
            answer = await call(program, method, path, of_shop)
            expected = (409, 503) if path in AT_STRIPE else (200, 201, 204)
            assert answer.status_code in expected, (method, path, answer.text)


async def test_no_list_of_a_neighbour_holds_anything_of_the_shop(desk: Desk) -> None:
    of_shop = await furnished(desk)
    lists = [path for method, path in routes(desk) if method == "GET" and "{" not in path]
    async with await desk.program(shop=desk.world.neighbour) as neighbour:
        for path in lists:
            answer = await neighbour.get(path)
            assert answer.status_code == 200, path
            assert not [said for said in (SECRET, str(desk.shop.organization_id), *of_shop.values()) if said in answer.text], path


@pytest.mark.parametrize("key", [None, "fd_live_nonsense"])
async def test_nobody_gets_anywhere_without_a_key(desk: Desk, key: str | None) -> None:
    of_shop = await furnished(desk)
    before = await state(desk)
    async with desk.with_key(key) as nobody:
        answers = {f"{method} {path}": (await call(nobody, method, path, of_shop)).status_code for method, path in routes(desk)}
    assert set(answers.values()) == {401}
    assert await state(desk) == before


async def test_each_route_wants_exactly_the_permission_it_names(desk: Desk) -> None:
    of_shop = await furnished(desk)
    needs = described(desk)
    for permission in EVERYTHING:
        async with await desk.program(permission) as program:
            for method, path in routes(desk):
                if needs[method, path] == permission:
                    continue
                answer = await call(program, method, path, of_shop)
                assert (answer.status_code, needs[method, path] in answer.text) == (403, True), (permission, method, path)


def described(desk: Desk) -> dict[tuple[str, str], str]:
    mounted = next(route for route in desk.built.app.routes if isinstance(route, Mount) and route.path == "/api/v1")
    return {one: str(needed) for one, needed in needs_of(mounted.app.routes).items() if needed}  # type: ignore[attr-defined]  # it is a FastAPI


async def test_ids_of_a_neighbour_in_a_body_or_a_query_are_refused_or_find_nothing(desk: Desk) -> None:
    of_shop = await furnished(desk)
    async with await desk.program(shop=desk.world.neighbour) as neighbour:
        here = {"organization_id": str(desk.shop.organization_id)}
        refused = await neighbour.post("/auto-replies", {"name": "x", "trigger": "fallback", "reply": "x"} | here)
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "organization_id")
        assert SECRET not in (await neighbour.get("/contacts", **here)).text
        assert SECRET not in (await neighbour.get("/contacts", cursor=f"-.{of_shop['contact_id']}")).text
        assert (await neighbour.client.get("/organization", headers={"x-organization-id": here["organization_id"]})).json()["id"] != here["organization_id"]


async def test_a_neighbours_answer_is_not_replayed(desk: Desk) -> None:
    body = {"name": SECRET, "trigger": "fallback", "reply": "x"}
    async with await desk.program() as program, await desk.program(shop=desk.world.neighbour) as neighbour:
        made = UUID((await program.post("/auto-replies", body, "same")).json()["id"])
        other = await neighbour.post("/auto-replies", body, "same")
        assert UUID(other.json()["id"]) != made
        assert "idempotency-replayed" not in other.headers
