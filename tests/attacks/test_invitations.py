"""Invitations: links that are nearly right, the address of somebody else, the last seat, and what a guest brings along."""

import asyncio

import pytest

from tests.attacks.street import Street, gives_away
from tests.invitations.conftest import TEAM, Desk, accept
from tests.invitations.conftest import built as built
from tests.invitations.conftest import desk as lagos
from tests.users.browser import PASSWORD, Browser, hidden_fields

ADA, BEA, EVE = "ada@example.org", "bea@example.org", "eve@example.org"
__all__ = ["built", "lagos"]


async def test_a_link_that_is_nearly_right_opens_nothing(lagos: Desk) -> None:
    await lagos.invite()
    link = await lagos.link()
    token = link.rpartition("/")[2]
    nearly = {
        token.swapcase(),
        token.upper(),
        token[:-1],
        token + "A",
        token + "=",
        token + "%00",
        token + "%0a",
        "%20" + token,
        token + "%2f.",
        token + ".",
        token[::-1],
        token.replace(token[5], "*", 1),
        f"{token},{token}",
        "%25",
        "_" * len(token),
        "\\x",
        token.encode().hex(),
    }
    async with Browser(lagos.built) as eve:
        for one in nearly - {token}:
            answer = await eve.get(f"/invitations/{one}")
            assert answer.status_code in (404, 429) and "Lagos Glow" not in answer.text, one
            sent = await eve.post(f"/invitations/{one}/acceptance", hidden_fields((await eve.get("/login")).text) | {"name": "Eve", "password": PASSWORD})
            assert sent.status_code in (404, 429), one
    assert await lagos.members() == {"maya@example.com": "owner"}


async def test_of_two_guests_and_one_seat_one_comes_in(lagos: Desk) -> None:
    links = []
    for email in (ADA, BEA):
        await lagos.invite(email)
        links.append(await lagos.link(email))
    await lagos.seats(2)
    async with Browser(lagos.built) as ada, Browser(lagos.built) as bea:
        answers = await asyncio.gather(accept(ada, links[0]), accept(bea, links[1]))
    assert sorted(answer.status_code for answer in answers) == [303, 402]
    assert len(await lagos.members()) == 2
    assert await lagos.see("select count(*) from auth.users where email like '%%example.org'") == [(1,)]


async def test_whoever_registered_the_invited_address_before_its_owner_finds_no_way_in(lagos: Desk) -> None:
    """Eve makes an account with Ada's address, hoping that Ada is invited one day."""
    async with Browser(lagos.built) as eve:
        await eve.register(email=ADA, name="Eve", organization_name="Eves trap")
        await lagos.invite()
        for page in ("/account", "/dashboard", "/dashboard/team"):
            assert "Lagos Glow" not in (await eve.get(page)).text, page
        await eve.send("/account/email/verification", page="/account")
        link = await lagos.link()
        async with Browser(lagos.built) as ada:  # the link is in Ada's mail; the account there is none of hers
            answer = await accept(ada, link)
            assert answer.status_code in (409, 422) and await lagos.members() == {"maya@example.com": "owner"}
            await ada.send("/forgotten-password", page="/forgotten-password", email=ADA)
            reset = next(one for mail in await letters_of(lagos) for one in mail if one.startswith("/forgotten-password"))
            await ada.send("/forgotten-password/new", page=reset, password="entirely another 77")
            assert (await ada.sign_in(ADA, "entirely another 77")).status_code == 303
            assert (await accept(ada, link)).status_code == 303
        assert (await eve.get("/dashboard")).headers.get("location", "").startswith("/login")
        assert (await eve.sign_in(ADA)).status_code == 422


async def letters_of(lagos: Desk) -> list[list[str]]:
    from tests.mailbox import letters

    return [one.links for one in await letters(lagos.owner, lagos.settings, ADA)]


async def test_an_email_that_is_asked_for_and_not_proven_takes_no_invitation(lagos: Desk) -> None:
    await lagos.invite()
    link = await lagos.link()
    async with Browser(lagos.built) as eve:
        await eve.register(email=EVE, name="Eve", organization_name="Eves own")
        asked = await eve.send("/account/email", page="/account/email", email=ADA)
        assert asked.status_code == 303
        answer = await accept(eve, link)
        assert answer.status_code == 409
    assert await lagos.members() == {"maya@example.com": "owner"}


async def test_links_of_other_mails_are_no_invitations_and_the_other_way_round(lagos: Desk) -> None:
    await lagos.invite("maya2@example.com")
    token = (await lagos.link("maya2@example.com")).rpartition("/")[2]
    async with Browser(lagos.built) as eve:
        for path in ("/email/verification", "/forgotten-password/new", "/email/change", "/email/undo"):
            assert (await eve.get(f"{path}?token={token}")).status_code == 410, path
        await eve.register(email=ADA, name="Eve", organization_name="Eves own")
    for link in [one for links in await letters_of(lagos) for one in links if "token=" in one]:
        async with Browser(lagos.built) as eve:
            assert (await eve.get(f"/invitations/{link.rpartition('=')[2]}")).status_code == 404


async def test_an_owner_is_not_invited_whoever_asks(lagos: Desk) -> None:
    for role in ("owner", "OWNER", "admin ", "", "owner\x00", "member,owner"):
        answer = await lagos.invite("x@example.org", role=role)
        assert answer.status_code in (303, 422), role
    async with Browser(lagos.built) as eve:
        fields = hidden_fields((await lagos.maya.get(TEAM)).text)
        answer = await lagos.maya.client.post(TEAM, data=fields | {"email": EVE, "role": ["member", "owner"]}, headers={"origin": eve.base})
        assert answer.status_code == 422
    assert await lagos.see("select role from organization_invitations where role = 'owner'") == []


@pytest.mark.parametrize("act", ["resend", "revocation"])
async def test_an_invitation_of_the_neighbour_in_a_form_of_ones_own_is_not_there(street: Street, act: str) -> None:
    before, invitation = await street.state(), street.of_maya["invitation_id"]
    for fields in ({}, {"invitation_id": invitation}, {"id": invitation, "role": "admin", "email": "olga@example.com"}):
        answer = await street.send(street.olga, f"/dashboard/team/invitations/{invitation}/{act}", fields)
        assert answer.status_code == 404 and gives_away(street, answer) == []
    assert await street.mails("only-here@example.org") == [] and await street.state() == before


async def test_who_is_invited_elsewhere_learns_nothing_of_the_neighbour_by_inviting(street: Street) -> None:
    """Olga invites whom Maya has invited already, and who is a member of Maya's: both are just invited."""
    for email in ("only-here@example.org", "tunde@only-here.example"):
        answer = await street.olga.send("/dashboard/team/invitations", page="/dashboard/team/invitations", email=email, role="viewer", locale="en")
        assert answer.status_code == 303, answer.text
        assert gives_away(street, await street.olga.get("/dashboard/team/invitations")) == []
