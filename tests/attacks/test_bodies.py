"""Ids and fields in bodies: a neighbour's people and things in forms of one's own, and fields that no form shows."""

from typing import Any

from frontdesk.database import new_id
from tests.api.desk import Desk
from tests.attacks.street import Street, gives_away
from tests.users.browser import hidden_fields


async def colleague(street: Street) -> str:
    """A second member of Olga's."""
    user_id = new_id()
    await street.owner.execute(
        "insert into auth.users (id, email, raw_user_meta_data) values (%s, 'carla@example.com', '{\"joins_by_invitation\": \"true\"}')", (user_id,)
    )
    await street.owner.execute("insert into organization_members (organization_id, user_id, role) values (%s, %s, 'member')", (street.olgas_id, user_id))
    return str(user_id)


async def test_conversations_are_not_left_to_a_member_of_the_neighbour(street: Street) -> None:
    carla, before = await colleague(street), await street.state()
    for heir in (street.of_maya["member_id"], str((await street.see("select created_by from organizations where id = %s", street.shop_id))[0][0])):
        answer = await street.send(street.olga, f"/dashboard/team/members/{carla}/removal", {"conversations": "reassign", "heir": heir})
        assert answer.status_code == 422 and gives_away(street, answer) == []
        missing = await street.send(street.olga, f"/dashboard/team/members/{carla}/removal", {"conversations": "reassign", "heir": str(new_id())})
        assert missing.status_code == 422
    assert await street.state() == before
    assert await street.see("select count(*) from organization_members where user_id = %s", carla) == [(1,)]


async def test_ones_organization_is_not_handed_to_a_member_of_the_neighbour_nor_his_taken(street: Street) -> None:
    before = await street.state()
    answer = await street.send(street.olga, f"/dashboard/team/members/{street.of_maya['member_id']}/ownership", {"member_id": street.of_maya["member_id"]})
    assert answer.status_code == 404 and await street.state() == before


async def test_a_form_that_says_two_organizations_is_done_in_ones_own_or_not_at_all(street: Street) -> None:
    before, contact = await street.state(), (await street.see("select id from contacts where organization_id = %s limit 1", street.olgas_id))[0][0]
    for named in ([str(street.olgas_id), str(street.shop_id)], [str(street.shop_id), str(street.olgas_id)], [str(street.shop_id)], [""], []):
        for target in (contact, street.of_maya["contact_id"]):
            fields: dict[str, Any] = {"organization_id": named, "given_name": "Taken over"}
            await street.send(street.olga, f"/dashboard/contacts/{target}/name", fields)
    assert await street.state() == before


async def test_a_key_made_with_the_id_of_the_neighbours_key_is_another_key(street: Street) -> None:
    before, key_id = await street.state(), street.of_maya["key_id"]
    fields = {"name": "Mine", "scopes": "contacts:read", "expires": "30", "networks": "", "key_id": key_id}
    answer = await street.send(street.olga, "/dashboard/api-keys/new", fields)
    assert answer.status_code == 200 and "fd_live_" in answer.text and gives_away(street, answer) == []
    assert (await street.send(street.olga, f"/dashboard/api-keys/{key_id}/revocation")).status_code == 303
    assert await street.state() == before


async def test_a_message_sent_under_the_id_of_the_neighbours_message_is_another_message(street: Street) -> None:
    before, message_id = await street.state(), street.of_maya["message_id"]
    ((own,),) = await street.see("select v.id from conversations v where organization_id = %s and last_inbound_at > now() - interval '20 hours' limit 1",
                                 street.olgas_id)  # fmt: skip
    answer = await street.send(street.olga, f"/dashboard/inbox/{own}/messages", {"text": "Under your id", "message_id": message_id})
    assert answer.status_code == 303
    assert await street.see("select text from messages where organization_id = %s and id = %s", street.olgas_id, message_id) == [("Under your id",)]
    assert await street.state() == before


async def test_fields_that_no_form_shows_give_nobody_more(street: Street) -> None:
    ((me,),) = await street.see("select created_by from organizations where id = %s", street.olgas_id)
    await street.owner.execute("insert into organization_members (organization_id, user_id, role) values (%s, %s, 'viewer')", (street.shop_id, me))
    more = {"role": "owner", "withheld": "", "created_by": str(me), "user_id": str(me), "permissions": "ownership:write",
            "plan": "enterprise", "plan_id": "enterprise",
            "email_verified": "true", "email_confirmed_at": "now", "is_fresh": "true", "id": str(street.shop_id), "assigned_to": str(me)}  # fmt: skip
    before = await street.see("select user_id, role from organization_members where organization_id = %s order by 1", street.shop_id)
    assert (await street.send(street.olga, "/session/organization", {"to": str(street.shop_id)})).status_code == 303
    forms: dict[str, dict[str, str]] = {
        "/account/name": {"name": "Olga"},
        f"/dashboard/team/members/{me}/role": {},
        "/dashboard/settings": {"name": "x", "timezone": "UTC", "locale": "en"},
        "/dashboard/team/invitations": {"email": "o@x.de"},
    }
    for path, fields in forms.items():
        await street.send(street.olga, path, {**more, **fields})
    assert await street.see("select user_id, role from organization_members where organization_id = %s order by 1", street.shop_id) == before
    assert await street.see("select name from organizations where id = %s and name = 'x'", street.shop_id) == []


async def test_a_page_that_was_opened_with_more_rights_sends_nothing_with_fewer(street: Street) -> None:
    """The form was loaded as an admin, and is sent as a viewer: in the very same session, with the very same tokens."""
    ((me,),) = await street.see("select created_by from organizations where id = %s", street.olgas_id)
    await street.owner.execute("insert into organization_members (organization_id, user_id, role) values (%s, %s, 'admin')", (street.shop_id, me))
    await street.send(street.olga, "/session/organization", {"to": str(street.shop_id)})
    of = street.of_maya
    contact, member, rule = f"contacts/{of['contact_id']}", f"team/members/{of['member_id']}", f"auto-replies/{of['rule_id']}"
    pages = {contact: f"{contact}/block", "api-keys/new": "api-keys/new", "team/invitations": "team/invitations", member: f"{member}/role",
             "settings": "settings", rule: f"{rule}/deletion"}  # fmt: skip
    forms = {path: hidden_fields((await street.olga.get(f"/dashboard/{page}")).text) for page, path in pages.items()}
    await street.owner.execute("update organization_members set role = 'viewer' where organization_id = %s and user_id = %s", (street.shop_id, me))
    before = await street.state()
    filled = {"name": "x", "scopes": "contacts:read", "expires": "30", "networks": "", "email": "o@x.de", "role": "admin", "timezone": "UTC", "locale": "en"}
    for path, form in forms.items():
        assert form.get("csrf_token"), path
        assert (await street.olga.post(f"/dashboard/{path}", form | filled)).status_code == 403, path
    assert await street.state() == before


async def test_a_body_of_the_api_that_names_what_it_does_not_show_is_refused_and_does_nothing(desk: Desk) -> None:
    conversation, before = await desk.conversation(), await desk.rows("select id, name, slug, created_by, created_at from organizations order by id")
    hidden = {"id": str(desk.world.neighbour.organization_id), "organization_id": str(desk.world.neighbour.organization_id), "slug": "mine", "role": "owner",
              "created_by": str(desk.shop.owner_id), "created_at": "2020-01-01T00:00:00Z", "scopes": ["ownership:write"]}  # fmt: skip
    async with await desk.program() as program:
        for name, value in hidden.items():
            answer = await program.client.patch("/organization", json={name: value})
            assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, name)
        for name in ("id", "channel_id", "user_id", "recipient", "to", "author", "status", "reply_to", "resend_of"):
            answer = await program.post(f"/conversations/{conversation}/messages", {"text": "x", name: str(new_id())})
            assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, name)
    assert await desk.rows("select id, name, slug, created_by, created_at from organizations order by id") == before
    assert await desk.rows("select 1 from outbox where (content->>'text') = 'x'") == []
