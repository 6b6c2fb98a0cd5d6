"""The team page and the page of a member, through the front door."""

import re
from uuid import UUID

from frontdesk.access import Permission
from tests.messages.inbox.browser import Browser
from tests.messages.inbox.conftest import Shop

TEAM = "/dashboard/team"


def page_of(user: Browser | UUID) -> str:
    return f"{TEAM}/members/{user.user_id if isinstance(user, Browser) else user}"


async def role_of(salon: Shop, user_id: UUID) -> str | None:
    row = await (await salon.owner.execute("select role from organization_members where organization_id = %s and user_id = %s", (salon.id, user_id))).fetchone()
    return row[0] if row else None


async def test_the_team_is_listed_with_role_and_last_seen(salon: Shop) -> None:
    maya = await salon.colleague("viewer", "Maya")
    page = (await maya.get(TEAM)).text
    assert "boss@salon.example" in page and "maya@example.com" in page and "Salon Boss" in page
    assert "2 of 3 seats are taken." in page
    rows = re.findall(r"<tr>\s*<th scope=\"row\" class=\"lead\">(.*?)</tr>", page, re.DOTALL)
    assert ["Owner" in rows[0], "Viewer" in rows[1], "· you" in rows[1]] == [True, True, True]
    assert "Never" not in rows[0]  # he has signed in
    assert 'aria-current="page" href="/dashboard/team"' in page


async def test_members_are_found_by_name_or_email_and_paged(salon: Shop) -> None:
    await salon.owner.execute(
        "with made as (insert into auth.users (id, email, raw_user_meta_data) select gen_random_uuid(), 'p' || n || '@example.com',"
        " jsonb_build_object('name', 'Person ' || n, 'joins_by_invitation', 'true') from generate_series(100, 219) n returning id, email)"
        " insert into organization_members (organization_id, user_id, role, created_at)"
        " select %s, id, 'viewer', now() + (substr(email, 2, 3)::integer || ' seconds')::interval from made", [salon.id]
    )  # fmt: skip
    seen, address = list[str](), TEAM
    while address:
        page = (await salon.boss.get(address)).text
        seen += re.findall(r"(p\d+)@example\.com", page)
        following = re.search(r'href="([^"]*)" rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"p{n}" for n in range(100, 220)]
    assert re.findall(r"(p\d+)@example\.com", (await salon.boss.get(TEAM, q="PERSON P21")).text) == [f"p{n}" for n in range(210, 220)]
    assert re.findall(r"(p\d+)@example\.com", (await salon.boss.get(TEAM, q="p117@ example")).text) == ["p117"]
    assert "Nobody fits" in (await salon.boss.get(TEAM, q="100% nobody_")).text
    assert (await salon.boss.get(TEAM, after="nonsense")).status_code == 200


async def test_the_table_of_permissions_says_what_the_database_holds_for_every_permission(salon: Shop) -> None:
    page = (await salon.boss.get(TEAM)).text
    rows = dict(re.findall(r'<tr data-permission="([^"]+)">(.*?)</tr>', page))
    assert rows.keys() == {one.value for one in Permission}
    held = {row[:2] for row in await (await salon.owner.execute("select role, permission from role_permissions")).fetchall()}
    for permission, row in rows.items():
        said = [cell == "Yes" for cell in re.findall(r">(Yes|No)<", row)]
        assert said == [(role, permission) in held for role in ("owner", "admin", "member", "viewer")], permission


async def test_an_owner_gives_roles_and_the_new_one_holds_at_once(salon: Shop) -> None:
    maya = await salon.colleague("member", "Maya")
    assert (await maya.post(f"{page_of(salon.boss)}/role", role="viewer")).status_code == 403
    answer = await salon.boss.post(f"{page_of(maya)}/role", role="admin")
    assert (answer.status_code, answer.headers["location"]) == (303, page_of(maya))
    assert await role_of(salon, maya.user_id) == "admin"
    assert "Owner" not in re.findall(r'<input class="form-check-input" type="radio" name="role".*?</label>', (await maya.get(page_of(maya))).text)
    refused = await maya.post(f"{page_of(salon.boss)}/role", role="viewer")
    assert refused.status_code == 403 and "Only an owner can" in refused.text
    refused = await maya.post(f"{page_of(maya)}/role", role="owner")
    assert refused.status_code == 403 and "Nobody can raise their own role" in refused.text
    refused = await salon.boss.post(f"{page_of(salon.boss)}/role", role="admin")
    assert refused.status_code == 409 and "Make somebody else an owner first" in refused.text
    for nonsense in ({"role": "king"}, {}):
        assert (await salon.boss.post(f"{page_of(maya)}/role", **nonsense)).status_code == 422


async def test_a_member_is_removed_and_the_choice_is_asked_for(salon: Shop) -> None:
    maya, tunde = await salon.colleague("member", "Maya"), await salon.colleague("member", "Tunde")
    arrived = await salon.customer_writes()
    await maya.post(f"/dashboard/inbox/{arrived.conversation_id}/assignment")
    refused = await salon.boss.post(f"{page_of(maya)}/removal", conversations="reassign", heir="")
    assert refused.status_code == 422 and "Choose somebody of the team" in refused.text and "Tunde (tunde@example.com)" in refused.text
    answer = await salon.boss.post(f"{page_of(maya)}/removal", conversations="reassign", heir=str(tunde.user_id))
    assert (answer.status_code, answer.headers["location"]) == (303, TEAM)
    assert (await salon.conversation(arrived.conversation_id))["assigned_to"] == tunde.user_id
    assert await role_of(salon, maya.user_id) is None
    assert (await maya.get("/dashboard/inbox")).status_code in (403, 404)
    assert (await salon.boss.get(page_of(maya))).status_code == 404


async def test_ownership_is_handed_over_and_whoever_did_is_an_admin(salon: Shop) -> None:
    maya = await salon.colleague("viewer", "Maya")
    assert (await maya.post(f"{page_of(maya)}/ownership")).status_code == 403
    assert "maya@example.com" in (await salon.boss.get(f"{page_of(maya)}/ownership")).text
    assert (await salon.boss.post(f"{page_of(maya)}/ownership")).status_code == 303
    assert (await role_of(salon, maya.user_id), await role_of(salon, salon.boss.user_id)) == ("owner", "admin")
    assert (await salon.boss.post(f"{page_of(maya)}/ownership")).status_code == 403
    assert "Hand the organization over" not in (await salon.boss.get(page_of(maya))).text


async def test_who_owns_it_is_changed_only_by_an_owner_who_has_just_proved_himself(salon: Shop) -> None:
    maya = await salon.colleague("member", "Maya")
    await salon.owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
    for answer in (
        await salon.boss.get(f"{page_of(maya)}/ownership"),
        await salon.boss.post(f"{page_of(maya)}/ownership"),
        await salon.boss.post(f"{page_of(maya)}/role", role="owner"),
    ):
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/account/reauthentication")
    assert await role_of(salon, maya.user_id) == "member"
    assert (await salon.boss.post(f"{page_of(maya)}/role", role="admin")).headers["location"] == page_of(maya)


async def test_a_member_leaves_and_a_stranger_names_nobody(salon: Shop, bakery: Shop) -> None:
    maya = await salon.colleague("viewer", "Maya")
    assert (await maya.post(f"{TEAM}/departure")).status_code == 303
    assert await role_of(salon, maya.user_id) is None
    assert (await salon.boss.post(f"{TEAM}/departure")).status_code == 409
    for act in ("role", "removal", "ownership"):
        answer = await bakery.boss.post(f"{page_of(salon.boss)}/{act}", role="viewer")
        assert answer.status_code == 404
    assert (await bakery.boss.get(page_of(salon.boss))).status_code == 404
    assert "boss@salon.example" not in (await bakery.boss.get(TEAM, q="salon")).text


async def test_strange_names_stay_text(salon: Shop) -> None:
    maya = await salon.colleague("admin", "Maya")
    name = "<script>alert(1)</script> مريم 👩‍🦰 " + "N" * 380
    await salon.owner.execute("update auth.users set raw_user_meta_data = jsonb_build_object('name', %s::text) where id = %s", (name, maya.user_id))
    for path in (TEAM, page_of(maya)):
        page = (await salon.boss.get(path)).text
        assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page and "مريم 👩‍🦰" in page
