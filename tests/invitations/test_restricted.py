"""Whoever is invited can be restricted from the first moment on, and a key lets nobody in who may do more than it."""

from collections.abc import AsyncIterator

import pytest

from frontdesk.settings import Settings
from tests.api.desk import Desk as Programs
from tests.api.desk import opened
from tests.invitations.conftest import ADA, TEAM, Desk, accept
from tests.roles import another_owner
from tests.users.browser import Browser
from tests.world import World

MASKED, OWN = "phone_numbers:read", "conversations:oversee"


@pytest.fixture
async def programs(settings: Settings, world: World) -> AsyncIterator[Programs]:
    async with opened(settings, world) as ready:
        await ready.rows("update auth.users set email_confirmed_at = now() returning 1")
        yield ready


async def test_restrictions_of_an_invitation_hold_from_the_first_moment_on(desk: Desk) -> None:
    fields = {"email": ADA, "role": "member", "locale": "en"}
    assert "Choose" in (await desk.maya.send(TEAM, page=TEAM, **fields, withheld="members:write")).text and await desk.ids() == []
    assert (await desk.maya.send(TEAM, page=TEAM, **fields, withheld=[MASKED, OWN])).status_code == 303
    assert "Member (restricted)" in (await desk.maya.get(TEAM)).text
    async with Browser(desk.built) as ada:
        assert (await accept(ada, await desk.link())).status_code == 303
        assert "Phone numbers are masked" in (await desk.maya.get(f"/dashboard/team/members/{await desk.member(ADA)}")).text
    assert await desk.see("select withheld from organization_members where role = 'member'") == [([OWN, MASKED],)]
    assert ("member.invited", [OWN, MASKED]) in [(action, details.get("restrictions")) for action, details in await desk.log()]


async def test_who_is_restricted_himself_sees_that_whoever_he_invites_is_as_well(desk: Desk) -> None:
    await another_owner(desk.owner)
    await desk.owner.execute(
        "update organization_members set role = 'admin', withheld = %s where user_id = %s", ([MASKED], await desk.member("maya@example.com"))
    )
    page = (await desk.maya.get(TEAM)).text
    assert f'value="{MASKED}" checked' in page and "whoever you invite is as well" in page


@pytest.mark.parametrize(
    ("scopes", "lets_in"),
    [
        (["members:write"], set()),
        (["members:write", "messages:read"], {"viewer"}),
        (["members:write", "messages:write"], {"viewer", "member"}),
        ((), {"viewer", "member"}),
    ],
)
async def test_a_key_lets_nobody_in_who_may_do_more_than_it(programs: Programs, scopes: list[str], lets_in: set[str]) -> None:
    async with await programs.program(*scopes) as program, await programs.program() as other:
        for role in ("viewer", "member", "admin"):
            invited = await program.post("/invitations", {"email": f"{role}@example.org", "role": role, "withheld": [MASKED]})
            assert invited.status_code == (201 if role in lets_in else 403), (role, invited.text)
            assert invited.json().get("withheld") == ([MASKED] if role in lets_in else None)
        for (one,) in await programs.rows("update organization_invitations set role = 'admin' where role = 'viewer' returning id"):
            assert (await other.post(f"/invitations/{one}/resend", None)).status_code == 403
