"""Programs invite as people do, in the name of whoever made their key, and by the same rules."""

from collections.abc import AsyncIterator

import pytest

from frontdesk.settings import Settings
from tests.api.desk import Desk, opened
from tests.mailbox import letters
from tests.world import World

ADA = {"email": "ada@example.org", "role": "member"}


@pytest.fixture
async def desk(settings: Settings, world: World) -> AsyncIterator[Desk]:
    async with opened(settings, world) as ready:
        await ready.rows('update auth.users set email_confirmed_at = now(), raw_user_meta_data = \'{"name": "Maya Bello"}\' returning 1')
        yield ready


async def test_an_invitation_is_sent_listed_sent_again_and_taken_back(desk: Desk, settings: Settings) -> None:
    async with await desk.program() as program:
        sent = await program.post("/invitations", ADA | {"email": "Ada@Example.org", "locale": "de"})
        assert (sent.status_code, sent.json()["email"], sent.json()["state"]) == (201, "ada@example.org", "open")
        assert sent.json()["invited_by"] == "Maya Bello"
        (mail,) = await letters(desk.world.owner, settings, "ada@example.org")
        assert mail.letter.subject == "Maya Bello lädt Sie zu Lagos Glow Salon ein"
        assert mail.links[0].rpartition("/")[2] not in sent.text
        (listed,) = (await program.get("/invitations")).json()["data"]
        assert listed == sent.json()
        path = f"/invitations/{listed['id']}"
        assert (await program.post(f"{path}/resend", None)).status_code == 201
        assert (await program.client.delete(path)).status_code == 204
        assert (await program.client.delete(path)).status_code == 404
        assert (await program.get("/invitations")).json() == {"data": [], "next_cursor": None}
    log = await desk.rows("select action, actor_kind from audit_logs where action ~ 'invit' order by seq")
    assert log == [("member.invited", "api_key"), ("invitation.resent", "api_key"), ("invitation.revoked", "api_key")]


async def test_what_people_are_refused_programs_are(desk: Desk) -> None:
    async with await desk.program() as program:
        for wrong, path in (({"email": "nonsense"}, "email"), ({"role": "owner"}, "role"), ({"surprise": 1}, "surprise")):
            answer = await program.post("/invitations", ADA | wrong)
            assert (answer.status_code, [fault["path"] for fault in answer.json()["errors"]]) == (422, [path])
        await program.post("/invitations", ADA)
        again = await program.post("/invitations", ADA)
        assert (again.status_code, again.json()["errors"][0]["path"]) == (409, "email")
        await program.post("/invitations", ADA | {"email": "bob@example.org"})
        full = await program.post("/invitations", ADA | {"email": "eve@example.org"})
        assert (full.status_code, "3 members" in full.json()["detail"]) == (402, True)
        await desk.rows("update private.attempts set tries = 60 where tries < 60 returning 1")
        (one, _) = (await program.get("/invitations")).json()["data"]
        assert (await program.post(f"/invitations/{one['id']}/resend", None)).status_code == 429


async def test_pages_follow_one_another(desk: Desk) -> None:
    await desk.rows("update subscriptions set plan_id = 'enterprise' returning 1")
    async with await desk.program() as program:
        for number in range(5):
            assert (await program.post("/invitations", ADA | {"email": f"ada{number}@example.org"})).status_code == 201
        first = (await program.get("/invitations", limit=3)).json()
        rest = (await program.get("/invitations", limit=3, cursor=first["next_cursor"])).json()
        assert [one["email"][3] for one in first["data"] + rest["data"]] == ["4", "3", "2", "1", "0"]
        assert rest["next_cursor"] is None
        assert (await program.get("/invitations", cursor="nonsense")).status_code == 422


async def test_a_key_of_somebody_who_has_not_confirmed_his_email_invites_nobody(desk: Desk) -> None:
    async with await desk.program() as program:
        made = await program.post("/invitations", ADA)
        await desk.rows("update auth.users set email_confirmed_at = null returning 1")
        for path, body in (("/invitations", ADA | {"email": "bob@example.org"}), (f"/invitations/{made.json()['id']}/resend", None)):
            answer = await program.post(path, body)
            assert answer.status_code == 403
    assert await desk.rows("select email from organization_invitations") == [("ada@example.org",)]
