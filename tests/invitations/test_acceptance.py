"""Coming in by a link: as a new user, as one there is, as the wrong one; once, in time, and only while whoever invited may."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.invitations.conftest import ADA, TEAM, Desk, accept
from tests.users.browser import AWAY, PASSWORD, Browser, hidden_fields


async def test_a_new_user_registers_and_joins_without_an_organization_of_his_own(desk: Desk) -> None:
    await desk.invite()
    link = await desk.link()
    async with Browser(desk.built) as ada:
        page = (await ada.get(link)).text
        assert "Join Lagos Glow Salon" in page and "Maya Bello invites ada@example.org" in page
        answer = await accept(ada, link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
        overview = await ada.get("/dashboard")
        assert overview.status_code == 200 and "Lagos Glow Salon" in overview.text and "Welcome to Lagos Glow Salon." in overview.text
    assert await desk.members() == {ADA: "member", "maya@example.com": "owner"}
    assert await desk.see("select count(*) from organizations") == [(1,)]
    ((confirmed, hashed),) = await desk.see("select email_confirmed_at is not null, encrypted_password ~ '^.argon2id' from auth.users where email = %s", ADA)
    assert confirmed and hashed
    assert await desk.see("select accepted_at is not null, accepted_by = (select id from auth.users where email = %s) from organization_invitations", ADA) == [
        (True, True)
    ]


async def test_opening_the_link_changes_nothing(desk: Desk) -> None:
    await desk.invite()
    link = await desk.link()
    before = await desk.see("select i::text from organization_invitations i")
    async with Browser(desk.built) as scanner:
        for _ in range(3):
            assert (await scanner.get(link)).status_code == 200
    assert await desk.see("select i::text from organization_invitations i") == before
    assert await desk.see("select count(*) from auth.users") == [(1,)]


async def test_the_link_is_told_to_nobody(desk: Desk) -> None:
    await desk.invite()
    async with Browser(desk.built) as ada:
        answer = await ada.get(await desk.link())
        assert answer.headers["referrer-policy"] == "strict-origin" and answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("fields", "why"), [({"password": "short"}, "Use at least 10 characters"), ({"name": ""}, "Fill this in."),
                                             ({"password": "ada@example.org"}, "made of your own name")])  # fmt: skip
async def test_a_form_that_is_not_right_comes_back_and_the_invitation_stays(desk: Desk, fields: dict[str, str], why: str) -> None:
    await desk.invite()
    link = await desk.link()
    async with Browser(desk.built) as ada:
        answer = await accept(ada, link, **fields)
        assert answer.status_code == 422 and why in answer.text and PASSWORD not in answer.text
        assert answer.headers["referrer-policy"] == "strict-origin"
        assert (await accept(ada, link)).status_code == 303


async def test_nobody_comes_in_under_another_address_than_the_invited_one(desk: Desk) -> None:
    await desk.invite()
    link = await desk.link()
    async with Browser(desk.built) as eve:
        hidden = hidden_fields((await eve.get(link)).text)
        sent = {"email": "eve@example.org", "name": "Eve", "password": PASSWORD, "role": "owner", "organization_id": "x"}
        assert (await eve.post(f"{link}/acceptance", hidden | sent)).status_code == 303
    assert await desk.members() == {ADA: "member", "maya@example.com": "owner"}


@dataclass
class Known:
    """Ada, who has an organization of her own."""

    browser: Browser


@pytest.fixture
async def known(desk: Desk) -> Known:
    browser = Browser(desk.built)
    await browser.register(email=ADA, name="Ada Lovelace", organization_name="Analytical Engines")
    return Known(browser)


async def test_who_is_signed_in_joins_by_one_click_and_works_there(desk: Desk, known: Known) -> None:
    await desk.invite(role="admin")
    link = await desk.link()
    ada = known.browser
    page = (await ada.get(link)).text
    assert "Your other organizations stay as they are" in page
    answer = await accept(ada, link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    assert await desk.members() == {ADA: "admin", "maya@example.com": "owner"}
    assert "Lagos Glow Salon" in (await ada.get("/dashboard")).text
    assert (await ada.get(TEAM)).status_code == 200
    assert "You are in already" in (await ada.get(link)).text


async def test_who_has_an_account_is_sent_to_the_sign_in_and_back(desk: Desk, known: Known) -> None:
    await desk.invite()
    link = await desk.link()
    async with Browser(desk.built) as ada:
        page = (await ada.get(link)).text
        assert "You have an account with ada@example.org" in page and 'name="password"' not in page
        assert (await accept(ada, link)).status_code == 409  # nor does a form of one's own make a second account, or change the first one's password
        answer = await ada.send("/login", page=f"/login?next={link}", email=ADA, password=PASSWORD)
        assert answer.headers["location"] == link
        assert (await accept(ada, link)).status_code == 303
    assert ADA in await desk.members()


async def test_the_wrong_account_is_explained_signs_out_and_comes_back(desk: Desk) -> None:
    await desk.invite()
    link = await desk.link()
    page = (await desk.maya.get(link)).text
    assert "You are signed in as maya@example.com. This invitation is for ada@example.org" in page
    refused = await desk.maya.post(f"{link}/acceptance", hidden_fields(page))
    assert refused.status_code == 409 and await desk.members() == {"maya@example.com": "owner"}
    answer = await desk.maya.post("/logout", hidden_fields(page))
    assert (answer.status_code, answer.headers["location"]) == (303, link)
    assert (await desk.maya.get("/account")).status_code == 303
    assert 'name="password"' in (await desk.maya.get(link)).text


async def test_signing_out_leads_to_no_other_site(desk: Desk) -> None:
    fields = hidden_fields((await desk.maya.get("/account")).text)
    answer = await desk.maya.post("/logout", fields | {"next": "https://evil.example/"})
    assert answer.headers["location"] == "/login"


async def test_a_member_already_is_told_and_stays_what_he_is(desk: Desk, known: Known) -> None:
    await desk.invite(role="viewer")
    link = await desk.link()
    await desk.owner.execute(
        "insert into organization_members (organization_id, user_id, role) select o.id, u.id, 'admin' from organizations o, auth.users u"
        " where o.name = 'Lagos Glow Salon' and u.email = %s", (ADA,)
    )  # fmt: skip
    page = (await known.browser.get(link)).text
    assert "You are in already" in page
    answer = await known.browser.post(f"{link}/acceptance", hidden_fields(page))
    assert answer.status_code == 303
    assert (await desk.members())[ADA] == "admin"
    assert await desk.see("select accepted_at is not null from organization_invitations") == [(True,)]
    assert "member.joined" not in [action for action, _ in await desk.log()]


async def test_a_used_link_is_used_up(desk: Desk) -> None:
    await desk.invite()
    link = await desk.link()
    async with Browser(desk.built) as ada, Browser(desk.built) as eve:
        hidden = hidden_fields((await eve.get(link)).text)
        await accept(ada, link)
        page = await eve.get(link)
        assert page.status_code == 410 and "is used up" in page.text
        answer = await eve.post(f"{link}/acceptance", hidden | {"name": "Eve", "password": PASSWORD})
        assert answer.status_code == 409 and eve.token is None
    assert await desk.see("select count(*) from auth.users") == [(2,)]


async def test_two_clicks_at_once_let_in_once(desk: Desk, known: Known) -> None:
    await desk.invite()
    await desk.invite("bob@example.org")
    link, bobs = await desk.link(), await desk.link("bob@example.org")
    hidden = hidden_fields((await known.browser.get(link)).text)
    answers = await asyncio.gather(*(known.browser.post(f"{link}/acceptance", hidden) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {303, 409} and [a.status_code for a in answers].count(303) >= 1
    async with Browser(desk.built) as bob:
        hidden = hidden_fields((await bob.get(bobs)).text) | {"name": "Bob", "password": PASSWORD}
        answers = await asyncio.gather(*(bob.post(f"{bobs}/acceptance", hidden) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [303, 409, 409]
    assert [action for action, _ in await desk.log()].count("member.joined") == 2
    assert len(await desk.members()) == 3


async def test_too_late_is_too_late(desk: Desk) -> None:
    await desk.invite()
    link = await desk.link()
    async with Browser(desk.built) as ada:
        hidden = hidden_fields((await ada.get(link)).text)
        await desk.owner.execute("update organization_invitations set expires_at = now() - interval '1 second'")
        page = await ada.get(link)
        assert page.status_code == 410 and "is too old" in page.text and "Ask Maya Bello to send it again" in page.text
        assert (await ada.post(f"{link}/acceptance", hidden | {"name": "Ada", "password": PASSWORD})).status_code == 409
    assert len(await desk.members()) == 1 and await desk.see("select count(*) from auth.users") == [(1,)]


@pytest.mark.parametrize(
    "how", ["update organization_members set role = 'member' where role = 'admin'", "delete from organization_members where role = 'admin'"]
)
async def test_who_may_not_invite_any_more_lets_nobody_in(desk: Desk, known: Known, how: str) -> None:
    await desk.invite(role="admin")
    await accept(known.browser, await desk.link())  # and so her email is confirmed, and she may invite
    assert (await desk.invite("eve@example.org", "admin", by=known.browser)).status_code == 303
    link = await desk.link("eve@example.org")
    await desk.owner.execute(how)  # type: ignore[arg-type]  # one of the above
    async with Browser(desk.built) as eve:
        page = await eve.get(link)
        assert page.status_code == 410 and "may not let anybody in any more" in page.text
        assert (await accept(eve, link)).status_code == 409
        assert "eve@example.org" not in await desk.members()
        assert "who invited may not invite any more" in (await desk.maya.get(TEAM)).text
        await desk.maya.send(f"{TEAM}/{(await desk.ids())[-1]}/resend", page=TEAM)  # now it is Maya who invites
        assert (await accept(eve, await desk.link("eve@example.org"))).status_code == 303


async def test_nobody_comes_into_an_organization_that_goes(desk: Desk) -> None:
    await desk.invite()
    link = await desk.link()
    await desk.owner.execute("insert into organization_deletions (organization_id, requested_by, begun_at) select id, created_by, now() from organizations")
    async with Browser(desk.built) as ada:
        assert (await ada.get(link)).status_code == 410
        assert (await accept(ada, link)).status_code == 409
    assert await desk.see("select count(*) from auth.users") == [(1,)]


@pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 5000, "..%2F..%2Faccount", "%00"])
async def test_a_link_that_is_none_is_not_there(desk: Desk, token: str) -> None:
    async with Browser(desk.built) as stranger:
        assert (await stranger.get(f"/invitations/{token}")).status_code == 404
        assert (await accept(stranger, f"/invitations/{token}")).status_code in (403, 404)


async def test_who_tries_links_out_waits(desk: Desk) -> None:
    await desk.invite()
    async with Browser(desk.built, address=AWAY) as stranger:
        answers = [(await stranger.get(f"/invitations/{number:043}")).status_code for number in range(61)]
        assert answers == [404] * 60 + [429]
    async with Browser(desk.built, address=AWAY) as ada:  # who has one is let in all the same
        assert (await ada.get(await desk.link())).status_code == 200
