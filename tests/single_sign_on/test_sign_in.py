"""Signing in through the provider, and everything somebody may try on the way."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.single_sign_on.browser import BASE, complaint, register, sent_back, set_out, through
from tests.single_sign_on.conftest import doors_with
from tests.single_sign_on.idp import Idp, idp
from tests.users.browser import AWAY, Browser

Owner = psycopg.AsyncConnection[Any]


async def seen(owner: Owner, query: str) -> list[Any]:
    return await (await owner.execute(query)).fetchall()  # type: ignore[arg-type]  # literal in every test


async def test_a_newcomer_registers_and_comes_back_as_the_same(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        answer = await register(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard") and browser.token
        assert "Lagos Glow Salon" in (await browser.get("/account")).text
    async with Browser(app, BASE) as browser:
        answer = await through(browser, "/account?tab=1")
        assert answer.headers["location"] == "/account?tab=1"
        assert "Maya Bello" in (await browser.get("/account")).text
    assert await seen(owner, "select email, email_confirmed_at is not null, encrypted_password from auth.users") == [("maya@example.com", True, None)]
    assert await seen(owner, "select count(*), count(distinct c.id) from public.organizations o join public.channels c on c.organization_id = o.id") == [(1, 1)]
    log = await seen(owner, "select action, details ->> 'by' from public.audit_logs where action like 'user.%' order by seq")
    assert log == [("user.registered", "openid"), ("user.signed_in", "openid")]


@pytest.mark.parametrize(("verified", "counts"), [(True, True), ("true", True), (False, False), (None, False), ("yes", False)])
async def test_an_email_counts_as_confirmed_only_if_the_provider_says_so(app: FastAPI, house: Idp, owner: Owner, verified: Any, counts: bool) -> None:
    house.person["email_verified"] = verified
    async with Browser(app, BASE) as browser:
        await register(browser)
    assert await seen(owner, "select email_confirmed_at is not null from auth.users") == [(counts,)]


async def test_asvs_6_8_1_an_email_opens_no_account_however_well_the_provider_knows_it(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await browser.register(email="maya@example.com")
    async with Browser(app, BASE) as browser:
        page = await complaint(browser, await through(browser))
        assert "maya@example.com has an account here already. Sign in with your password first, then link" in page
        assert browser.token is None
    assert await seen(owner, "select count(*) from private.user_identities") == [(0,)]


async def test_asvs_6_8_1_another_provider_with_the_same_email_or_subject_is_somebody_else(
    app: FastAPI, house: Idp, database: Database, settings: Settings, owner: Owner
) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
    async with idp() as other:
        foreign = doors_with(database, settings, other.issuer)
        async with Browser(foreign, BASE) as browser:  # the same subject, the same email
            assert "has an account here already" in await complaint(browser, await through(browser))
        other.person = {"sub": house.person["sub"], "email": "mallory@example.com", "email_verified": True}
        async with Browser(foreign, BASE) as browser:  # the same subject alone
            assert (await register(browser, organization_name="Mallory's")).headers["location"] == "/dashboard"
            assert "Lagos Glow Salon" not in (await browser.get("/account")).text
        await foreign.state.provider.close()
    assert await seen(owner, "select count(distinct user_id) from private.user_identities") == [(2,)]


async def test_whoever_changes_his_email_at_the_provider_stays_who_he_is(app: FastAPI, house: Idp, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
    house.person["email"] = "maya.okafor@example.com"
    async with Browser(app, BASE) as browser:
        assert (await through(browser)).headers["location"] == "/dashboard"
    assert await seen(owner, "select u.email, i.email from auth.users u join private.user_identities i on i.user_id = u.id") == [
        ("maya@example.com", "maya.okafor@example.com")
    ]


@pytest.mark.parametrize("change", ["banned_until = now() + interval '1 day'", "deleted_at = now()"])
async def test_who_is_banned_or_gone_stays_out_by_this_door_too(app: FastAPI, owner: Owner, change: str) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
    await owner.execute(f"update auth.users set {change}")  # type: ignore[arg-type]  # one of the above
    async with Browser(app, BASE) as browser:
        assert "This account cannot sign in." in await complaint(browser, await through(browser))
        assert browser.token is None
    assert ("user.sign_in_failed",) in await seen(owner, "select action from public.audit_logs")


async def test_the_way_back_works_once(app: FastAPI) -> None:
    async with Browser(app, BASE) as browser:
        back = await set_out(browser)
        kept = {cookie.name: cookie.value or "" for cookie in browser.client.cookies.jar}
        await browser.get(back)
        for name, value in kept.items():
            browser.client.cookies.set(name, value)
        assert "used already" in await complaint(browser, await browser.get(back))


async def test_two_at_the_same_moment_are_one(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
    async with Browser(app, BASE) as browser:
        back = await set_out(browser)
        answers = await asyncio.gather(*[browser.get(back) for _ in range(5)])
    assert sorted(answer.headers["location"] for answer in answers) == ["/dashboard", *["/login"] * 4]
    assert len([one for (one,) in await seen(owner, "select action from public.audit_logs") if one == "user.signed_in"]) == 1


async def test_the_state_of_another_browser_is_worth_nothing_and_is_not_spoilt(app: FastAPI) -> None:
    """Whoever slips his own way back to somebody else does not sign him in as himself."""
    async with Browser(app, BASE) as mallory, Browser(app, BASE) as maya:
        back = await set_out(mallory)
        await set_out(maya)
        assert "begun in another browser" in await complaint(maya, await maya.get(back))
        assert maya.token is None
        assert (await mallory.get(back)).headers["location"] == "/register/provider"


@pytest.mark.parametrize("state", ["", "x", "x" * 5000, "\x00", "../../x", "ä", "'; drop table"])
async def test_a_state_that_nobody_gave_away_is_worth_nothing(app: FastAPI, state: str) -> None:
    async with Browser(app, BASE) as browser:
        code = parse_qs(urlsplit(await set_out(browser)).query)["code"][0]
        answer = await browser.get("/login/provider/callback?" + urlencode({"code": code, "state": state}))
        assert "Try again." in await complaint(browser, answer) and browser.token is None


async def test_a_way_back_is_too_late_after_ten_minutes(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        back = await set_out(browser)
        await owner.execute("update private.provider_visits set expires_at = expires_at - interval '10 minutes'")
        assert "too long ago" in await complaint(browser, await browser.get(back))
        await set_out(browser)
    assert await seen(owner, "select count(*) from private.provider_visits") == [(1,)]


async def test_two_windows_do_not_disturb_each_other(app: FastAPI) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
        first, second = await set_out(browser, "/account"), await set_out(browser, "/dashboard/inbox")
        assert (await browser.get(first)).headers["location"] == "/account"
        assert (await browser.get(second)).headers["location"] == "/dashboard/inbox"


async def test_somebody_who_turns_back_is_told_so(app: FastAPI) -> None:
    async with Browser(app, BASE) as browser:
        state = parse_qs(urlsplit(await set_out(browser)).query)["state"][0]
        answer = await browser.get("/login/provider/callback?" + urlencode({"error": "access_denied", "error_description": "<b>evil", "state": state}))
        page = await complaint(browser, answer)
    assert "was not finished at the provider" in page and "evil" not in page


@pytest.mark.parametrize("changed", [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}])
async def test_asvs_9_1_2_a_token_that_is_not_for_this_visit_signs_nobody_in(app: FastAPI, house: Idp, owner: Owner, changed: dict[str, Any]) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
    house.claims = lambda said: said | changed
    async with Browser(app, BASE) as browser:
        assert "could not be verified" in await complaint(browser, await through(browser)) and browser.token is None
    assert await seen(owner, "select count(*) from private.sessions") == [(1,)]


async def test_a_code_that_was_used_is_worth_nothing(app: FastAPI, house: Idp) -> None:
    async with Browser(app, BASE) as browser:
        begun = (await browser.get("/login/provider")).headers["location"]
        back = await sent_back(begun)
        house.redeemed.clear()  # somebody was faster
        assert "could not be verified" in await complaint(browser, await browser.get(back))


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)"])
async def test_the_way_back_ends_on_this_site(app: FastAPI, wanted: str) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
        assert (await through(browser, wanted)).headers["location"] == "/dashboard"


async def test_a_provider_without_an_email_is_told_what_is_missing(app: FastAPI, house: Idp) -> None:
    house.person, house.userinfo = {"sub": "s"}, {"sub": "s"}
    for email in (None, "no email", "a" * 400 + "@example.com"):
        house.userinfo["email"] = email
        async with Browser(app, BASE) as browser:
            assert "did not tell us your email" in await complaint(browser, await through(browser))


async def test_a_provider_that_is_down_is_a_sentence_on_the_sign_in_page(app: FastAPI, house: Idp) -> None:
    house.down = True
    async with Browser(app, BASE) as browser:
        assert "The sign-in provider does not answer as it should." in await complaint(browser, await browser.get("/login/provider"))


async def test_visits_are_limited_for_each_address(app: FastAPI, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontdesk.single_sign_on.actions.PER_ADDRESS", 5)
    async with Browser(app, "https://desk.example", AWAY) as browser:
        for _ in range(5):
            await browser.get("/login/provider")
        assert "Too many tries" in await complaint(browser, await browser.get("/login/provider"))
    assert await seen(owner, "select count(*) from private.provider_visits") == [(5,)]


async def test_over_tls_the_cookies_are_bound_to_this_very_host_and_over_plain_http_nobody_sets_out(app: FastAPI) -> None:
    async with Browser(app, "https://desk.example", AWAY) as browser:
        [cookie] = [one for one in (await browser.get("/login/provider")).headers.get_list("set-cookie") if "visit-" in one]
    assert cookie.startswith("__Host-frontdesk-visit-") and {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    async with Browser(app, "http://192.0.2.7:3002", AWAY) as browser:
        assert "Signing in needs https." in await complaint(browser, await browser.get("/login/provider"))


async def test_on_ones_own_machine_the_browser_sets_out_from_where_it_comes_back_to(app: FastAPI) -> None:
    async with Browser(app, "http://127.0.0.1:3002") as browser:
        assert (await browser.get("/login/provider?next=/account")).headers["location"] == f"{BASE}/login/provider?next=%2Faccount"


async def test_a_dump_of_the_database_helps_nobody_who_is_on_the_way(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        asked = parse_qs(urlsplit((await browser.get("/login/provider")).headers["location"]).query)
        [cookie] = [one.value for one in browser.client.cookies.jar if "visit" in one.name]
        ((row,),) = await seen(owner, "select v::text from private.provider_visits v")
    assert not any(secret in row for secret in (asked["state"][0], asked["nonce"][0], asked["code_challenge"][0], cookie or "?"))
