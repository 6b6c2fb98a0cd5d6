"""Inviting, sending again and taking back, through the front door."""

import asyncio
from typing import Any

import pytest

from frontdesk.database import new_id
from tests.invitations.conftest import ADA, TEAM, Desk, accept
from tests.users.browser import Browser, hidden_fields


async def test_an_invitation_goes_out_by_mail_and_is_kept_as_a_hash(desk: Desk) -> None:
    answer = await desk.invite("  Ada@Example.ORG ", "viewer")
    assert (answer.status_code, answer.headers["location"]) == (303, TEAM)
    (mail,) = await desk.mails()
    assert mail.letter.subject == "Maya Bello invites you to Lagos Glow Salon"
    assert "You are invited to look on" in mail.letter.text and "You are invited to look on" in mail.letter.html
    token = (await desk.link()).removeprefix("/invitations/")
    assert len(token) == 43 and token in mail.letter.html
    ((kept, days),) = await desk.see("select i::text, extract(epoch from expires_at - now()) / 86400 from organization_invitations i")
    assert token not in kept and 6.99 < days <= 7
    ((hashed,),) = await desk.see("select token_hash = sha256(%s) from organization_invitations", token.encode())
    assert hashed
    page = (await desk.maya.get(TEAM)).text
    assert ADA in page and "Viewer" in page and token not in page


async def test_the_mail_is_in_the_language_that_was_chosen_in_both_parts(desk: Desk) -> None:
    await desk.invite(locale="de")
    (mail,) = await desk.mails()
    assert mail.locale == "de" and mail.letter.subject == "Maya Bello lädt Sie zu Lagos Glow Salon ein"
    for part in (mail.letter.text, mail.letter.html):
        assert "Sie sind als Mitglied eingeladen" in part and "Der Link gilt einmal" in part
        assert "invites you" not in part and "The link" not in part


@pytest.mark.parametrize("name", ["Win at evil.example/now", "<b>Bold</b> & Söhne", "مقهى السعادة", "🦄" * 60, "x" * 200])
async def test_what_an_organization_calls_itself_does_no_harm_in_a_mail(desk: Desk, name: str) -> None:
    await desk.owner.execute("update organizations set name = %s", (name,))
    await desk.invite()
    (mail,) = await desk.mails()
    assert "evil.example" not in mail.letter.text + mail.letter.html + mail.letter.subject
    assert "<b>" not in mail.letter.html and len(mail.letter.subject) < 140
    assert (await desk.maya.get(TEAM)).status_code == 200
    async with Browser(desk.built) as ada:
        assert (await ada.get(await desk.link())).status_code == 200


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"email": "nonsense"}, "This is not an email address."),
        ({"email": ""}, "Fill this in."),
        ({"role": "owner"}, "Choose one of the list."),
        ({"role": "superuser"}, "Choose one of the list."),
        ({"email": "maya@example.com"}, "Whoever has this email is a member already."),
        ({"email": "MAYA@example.com"}, "Whoever has this email is a member already."),
    ],
)
async def test_what_cannot_be_is_refused_beside_its_field(desk: Desk, fields: dict[str, str], why: str) -> None:
    answer = await desk.maya.send(TEAM, page=TEAM, **({"email": ADA, "role": "member", "locale": "en"} | fields))
    assert answer.status_code in (409, 422) and why in answer.text
    assert await desk.ids() == [] and await desk.mails(fields.get("email", ADA)) == []


async def test_nobody_is_invited_twice_at_a_time(desk: Desk) -> None:
    await desk.invite()
    answer = await desk.invite("ADA@example.org", "admin")
    assert answer.status_code == 409 and "is invited already" in answer.text
    assert len(await desk.ids()) == 1 and len(await desk.mails()) == 1


async def test_two_tabs_at_once_invite_once(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.invite() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    assert len(await desk.ids()) == 1


async def test_sent_again_the_new_link_opens_and_the_old_one_does_not(desk: Desk) -> None:
    await desk.invite()
    old = await desk.link()
    (invitation_id,) = await desk.ids()
    await desk.owner.execute("update organization_invitations set expires_at = now() - interval '1 second'")
    answer = await desk.maya.send(f"{TEAM}/{invitation_id}/resend", page=TEAM)
    assert answer.status_code == 303
    new = await desk.link()
    async with Browser(desk.built) as ada:
        assert new != old and (await ada.get(old)).status_code == 404
        assert (await accept(ada, new)).status_code == 303


async def test_a_mail_that_still_waits_does_not_bring_a_link_that_is_dead(desk: Desk) -> None:
    await desk.invite()
    (invitation_id,) = await desk.ids()
    await desk.maya.send(f"{TEAM}/{invitation_id}/resend", page=TEAM)
    (mail,) = await desk.mails()
    await desk.owner.execute("update private.mail_outbox set state = 'claimed', claimed_at = now() where template = 'invitations/invitation'")
    await desk.maya.send(f"{TEAM}/{invitation_id}/resend", page=TEAM)
    assert len(await desk.mails()) == 2  # the first one is in the hands of a worker
    await desk.maya.send(f"{TEAM}/{invitation_id}/revocation", page=TEAM)
    assert await desk.mails() == [mail]


async def test_taken_back_its_link_opens_nothing_and_its_address_can_be_invited_again(desk: Desk) -> None:
    await desk.invite()
    link = await desk.link()
    (invitation_id,) = await desk.ids()
    assert (await desk.maya.send(f"{TEAM}/{invitation_id}/revocation", page=TEAM)).status_code == 303
    async with Browser(desk.built) as ada:
        page = await ada.get(link)
        assert page.status_code == 410 and "was taken back" in page.text
        assert (await accept(ada, link)).status_code == 409
    assert (await desk.members()).keys() == {"maya@example.com"}
    for verb in ("resend", "revocation"):
        assert (await desk.maya.send(f"{TEAM}/{invitation_id}/{verb}", page=TEAM)).status_code == 404
    assert (await desk.invite()).status_code == 303


async def test_what_expired_makes_room_for_a_new_one(desk: Desk) -> None:
    await desk.invite()
    await desk.owner.execute("update organization_invitations set expires_at = now() - interval '1 second'")
    assert "Expired" in (await desk.maya.get(TEAM)).text
    assert (await desk.invite(role="viewer")).status_code == 303
    assert await desk.see("select role, revoked_at is null from organization_invitations order by id") == [("member", False), ("viewer", True)]


async def test_everything_is_told_to_the_audit_log_and_no_token_is(desk: Desk) -> None:
    await desk.invite()
    (invitation_id,) = await desk.ids()
    await desk.maya.send(f"{TEAM}/{invitation_id}/resend", page=TEAM)
    await desk.maya.send(f"{TEAM}/{invitation_id}/revocation", page=TEAM)
    await desk.invite()
    async with Browser(desk.built) as ada:
        await accept(ada, await desk.link())
    log: Any = await desk.log()
    assert [action for action, _ in log] == ["member.invited", "invitation.resent", "invitation.revoked", "member.invited", "member.joined"]
    assert log[0][1] | {"expires_at": ""} == {"email": ADA, "role": "member", "expires_at": ""}
    assert log[2][1] == {"email": ADA, "role": "member"}
    assert log[4][1]["changed"] == {"role": {"from": None, "to": "member"}} and log[4][1]["name"] == "Ada Lovelace"
    assert (await desk.link()).removeprefix("/invitations/") not in str(log)
    assert await desk.see("select count(*) from private.verify_audit()") == [(0,)]


async def test_an_organization_does_not_invite_by_the_thousand_nor_one_person_again_and_again(desk: Desk) -> None:
    await desk.seats(None)
    await desk.invite()
    (invitation_id,) = await desk.ids()
    answers = [await desk.maya.send(f"{TEAM}/{invitation_id}/resend", page=TEAM) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert "Too many tries" in answers[-1].text and int(answers[-1].headers["retry-after"]) > 3600
    await desk.owner.execute(
        "update private.attempts set tries = 60"
        " where subject = (select sha256(convert_to('invitations of|' || id, 'UTF8')) from organizations where name = 'Lagos Glow Salon')"
    )
    refused = await desk.invite("bob@example.org")
    assert refused.status_code == 429 and await desk.mails("bob@example.org") == []


async def test_a_refused_mail_is_shown_where_the_invitation_stands(desk: Desk) -> None:
    await desk.invite()
    await desk.owner.execute("update private.mail_outbox set state = 'failed', finished_at = now()")
    assert "The mail was refused. Check the address." in (await desk.maya.get(TEAM)).text


async def test_the_team_page_shows_what_is_open_to_those_who_may_invite(desk: Desk) -> None:
    await desk.invite(ADA, "member")
    await desk.invite("bob@example.org")
    assert "bob@example.org" in (await desk.maya.get("/dashboard/team")).text
    async with Browser(desk.built) as ada:
        await accept(ada, await desk.link())
        page = (await ada.get("/dashboard/team")).text
        assert "Maya Bello" in page and "bob@example.org" not in page and "Invite somebody" not in page


async def test_who_may_not_invite_is_offered_nothing_and_gets_nowhere(desk: Desk) -> None:
    await desk.invite(ADA, "member")
    async with Browser(desk.built) as ada:
        await accept(ada, await desk.link())
        assert (await ada.get(TEAM)).status_code == 403
        await desk.invite("bob@example.org")
        (invitation_id,) = (await desk.ids())[1:]
        hidden = (await ada.get("/account")).text
        for path in (TEAM, f"{TEAM}/{invitation_id}/resend", f"{TEAM}/{invitation_id}/revocation"):
            assert (await ada.post(path, hidden_fields(hidden) | {"email": "eve@example.org", "role": "admin"})).status_code == 403


async def test_whoever_has_not_confirmed_his_own_email_invites_nobody(desk: Desk) -> None:
    await desk.invite()
    (invitation_id,) = await desk.ids()
    await desk.owner.execute("update auth.users set email_confirmed_at = null")
    assert (await desk.maya.get(TEAM)).status_code == 200
    for path in (TEAM, f"{TEAM}/{invitation_id}/resend"):
        answer = await desk.maya.send(path, page=TEAM, email="bob@example.org", role="member")
        assert answer.status_code == 403 and "Confirm your email" in answer.text
    assert len(await desk.ids()) == 1 and len(await desk.mails()) == 1
    assert (await desk.maya.send(f"{TEAM}/{invitation_id}/revocation", page=TEAM)).status_code == 303


async def test_a_neighbour_neither_sends_nor_takes_back_what_is_not_his(desk: Desk) -> None:
    await desk.invite()
    (invitation_id,) = await desk.ids()
    before = await desk.see("select i::text from organization_invitations i")
    async with Browser(desk.built) as olga:
        await olga.register(email="olga@example.com", organization_name="Moretti")
        await desk.owner.execute("update auth.users set email_confirmed_at = now()")
        for verb in ("resend", "revocation"):
            answer = await olga.send(f"{TEAM}/{invitation_id}/{verb}", page=TEAM)
            missing = await olga.send(f"{TEAM}/{new_id()}/{verb}", page=TEAM)
            assert answer.status_code == missing.status_code == 404
        assert ADA not in (await olga.get(TEAM)).text
    assert await desk.see("select i::text from organization_invitations i") == before
