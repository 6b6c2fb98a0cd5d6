"""Programs invite as people do: by mail, within the seats, once, and only for somebody whose email is known to be his."""

from tests.api.desk import Desk

ADA = {"email": "ada@example.com", "role": "member"}


async def confirm(desk: Desk) -> None:
    """The owner's email is confirmed."""
    await desk.rows("update auth.users set email_confirmed_at = now() where id = %s returning 1", desk.shop.owner_id)


async def mails(desk: Desk) -> int:
    ((n,),) = await desk.rows("select count(*) from private.mail_outbox where template like 'invitations/%%'")
    return int(n)


async def test_somebody_is_invited_listed_and_taken_back(desk: Desk) -> None:
    await confirm(desk)
    async with await desk.program() as program:
        made = await program.post("/invitations", ADA | {"email": "Ada@Example.com"})
        assert (made.status_code, made.json()["email"], made.json()["role"], made.json()["state"]) == (201, "ada@example.com", "member", "open")
        assert (await program.get("/invitations")).json()["data"] == [made.json()] == [(await program.get(f"/invitations/{made.json()['id']}")).json()]
        assert (await program.client.delete(f"/invitations/{made.json()['id']}")).status_code == 204
        assert (await program.client.delete(f"/invitations/{made.json()['id']}")).status_code == 404
        assert (await program.get("/invitations")).json()["data"] == []
    told = await desk.rows("select action, actor_kind, actor_name from audit_logs where target_type = 'invitation' order by seq")
    assert told == [("member.invited", "api_key", "Web shop"), ("invitation.revoked", "api_key", "Web shop")]


async def test_sent_again_it_is_one_mail(desk: Desk) -> None:
    await confirm(desk)
    async with await desk.program() as program:
        assert (await program.post("/invitations", ADA, "ada")).content == (await program.post("/invitations", ADA, "ada")).content
        assert await mails(desk) == 1
        again = await program.post("/invitations", ADA)
        assert (again.status_code, again.json()["errors"][0]["path"]) == (409, "email")


async def test_nobody_is_invited_in_the_name_of_somebody_unknown(desk: Desk) -> None:
    async with await desk.program() as program:
        refused = await program.post("/invitations", ADA)
        assert (refused.status_code, "confirmed" in refused.json()["detail"]) == (403, True)
        assert (await program.get("/invitations")).json()["data"] == []
    assert await mails(desk) == 0


async def test_seats_and_roles_hold(desk: Desk) -> None:
    await confirm(desk)
    async with await desk.program() as program:
        assert (await program.post("/invitations", ADA | {"role": "owner"})).status_code == 422
        assert (await program.post("/invitations", ADA | {"email": "nobody"})).json()["errors"][0]["path"] == "email"
        for n in range(2):
            assert (await program.post("/invitations", ADA | {"email": f"ada{n}@example.com"})).status_code == 201
        full = await program.post("/invitations", ADA)
        assert (full.status_code, "3 members" in full.json()["detail"]) == (402, True)
    assert await mails(desk) == 2
