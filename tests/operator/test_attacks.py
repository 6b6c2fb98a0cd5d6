"""The console as a customer would attack it: every route, as everybody who is no operator, and as one who is none any more."""

import re
from typing import Any

from frontdesk.database import new_id
from frontdesk.web import OPERATOR, needs_of
from tests.operator.conftest import Console, send
from tests.users.browser import Browser


def routes(console: Console) -> list[tuple[str, str]]:
    """Every route of the console, with what it names filled in."""
    named = {
        "organization_id": console.shop_id,
        "user_id": console.operator_id,
        "delivery_id": new_id(),
        "event_id": new_id(),
        "plan_id": "starter",
        "key": "channels",
        "what": "organizations",
    }
    found = [(method, path) for (method, path), needed in needs_of(console.built.app.routes).items() if path.startswith("/operator")]
    assert len(found) > 15
    return [(method, re.sub(r"{(\w+)}", lambda name: str(named[name[1]]), path)) for method, path in sorted(found)]


async def tried(console: Console, browser: Browser) -> dict[str, Any]:
    """What every route of the console answers to this browser."""
    answers = {}
    for method, path in routes(console):
        answer = await (browser.get(path) if method == "GET" else send(browser, path, reason="because I want to", confirmation="lagos-glow-salon"))
        answers[f"{method} {path}"] = (answer.status_code, answer.headers.get("location", ""), "Lagos Glow Salon" in answer.text)
    return answers


async def state(console: Console) -> list[Any]:
    """What somebody could have changed."""
    return await console.see(
        "select (select jsonb_agg(o) from organizations o), (select jsonb_agg(s) from subscriptions s), (select count(*) from private.operator_entries),"
        " (select jsonb_agg(u.banned_until) from auth.users u), (select count(*) from private.authenticators), (select count(*) from operator_views),"
        " (select count(*) from organization_deletions), (select jsonb_agg(p) from subscription_plans p)"
    )


async def test_every_route_needs_an_operator(console: Console) -> None:
    needs = {path: needed for (_, path), needed in needs_of(console.built.app.routes).items() if path.startswith("/operator")}
    assert {path for path, needed in needs.items() if needed is not OPERATOR} == set()


async def test_to_a_customer_the_console_is_a_page_that_does_not_exist(console: Console) -> None:
    before = await state(console)
    nowhere = await console.customer.get("/nowhere")
    for way in ("without a second factor", "with one"):
        if way == "with one":
            await console.has_factor(console.customer_id)
            before = await state(console)
        answers = await tried(console, console.customer)
        assert set(answers.values()) == {(404, "", False)}, way
        shown = await console.customer.get("/operator/organizations")
        assert _plain(shown.text) == _plain(nowhere.text)
    assert await state(console) == before


async def test_a_stranger_is_sent_to_sign_in_and_a_key_opens_nothing(console: Console) -> None:
    before = await state(console)
    async with Browser(console.built) as nobody:
        answers = await tried(console, nobody)
    assert {answer[0] for answer in answers.values()} == {303}
    assert all(answer[1].startswith("/login") for answer in answers.values())
    async with Browser(console.built) as program:
        program.client.headers["authorization"] = "Bearer fd_live_" + "0" * 40
        assert (await program.get("/operator/organizations")).status_code == 303
        assert (await program.get("/api/v1/operator/organizations")).status_code in (401, 404)
    assert await state(console) == before


async def test_an_operator_without_a_second_factor_is_told_so_and_sees_nothing(console: Console) -> None:
    await console.database.call("select private.grant_operator('maya@example.com', 'a test')")
    answers = await tried(console, console.customer)
    assert {answer[0] for answer in answers.values()} == {403} and not any(answer[2] for answer in answers.values())
    await console.has_factor(console.customer_id)
    assert (await console.customer.get("/operator/organizations")).status_code == 200
    await console.owner.execute("update private.sessions set second_factor_at = null")  # as of a session that a password alone has opened
    assert (await console.customer.get("/operator/organizations")).status_code == 403


async def test_whoever_is_removed_in_mid_session_is_out_at_the_next_request_and_looks_no_further(console: Console) -> None:
    await console.look()
    assert "Lagos Glow Salon" in (await console.operator.get("/dashboard")).text
    await console.database.call("select private.revoke_operator('jonas@example.com', 'a test')")
    assert "Lagos Glow Salon" not in (await console.operator.get("/dashboard")).text
    answers = await tried(console, console.operator)
    assert {answer[0] for answer in answers.values()} == {404}


async def test_what_is_hard_to_undo_wants_a_proof_of_the_last_ten_minutes(console: Console) -> None:
    await console.owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
    for operation in ("suspension", "deletion", "viewing", "export"):
        answer = await console.act(f"{console.shop}/{operation}", reason="because I want to", confirmation="lagos-glow-salon")
        assert answer.headers["location"].startswith("/account/reauthentication"), operation
    await console.owner.execute("update private.sessions set reauthenticated_at = now()")
    assert (await console.act(f"{console.shop}/suspension", reason="because I want to")).headers["location"] == console.shop


async def test_an_operator_neither_shuts_himself_out_nor_frees_himself(console: Console) -> None:
    mine = f"/operator/users/{console.operator_id}"
    assert (await console.act(f"{mine}/lock", reason="because I want to")).status_code == 409
    assert (await console.act(f"{mine}/second-factor/removal", reason="because I want to")).status_code == 409
    assert await console.see("select count(*) from private.authenticators") == [(1,)]


def _plain(page: str) -> str:
    return re.sub(r'nonce="[^"]*"|href="/[^"]*"|[0-9A-Z]{12}', "", page)
