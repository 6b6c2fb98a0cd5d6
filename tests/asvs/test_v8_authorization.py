"""ASVS 5.0, chapters 8 and 15: what nobody was asked for is not taken, however it is called."""

from typing import Any

from tests.test_strangers import House
from tests.users.browser import Browser

EXTRA = {
    "role": "owner", "plan_id": "enterprise", "plan": "enterprise", "is_admin": "true", "permissions": "channels:write", "joins_by_invitation": "true",
    "email_confirmed_at": "2020-01-01", "slug": "moretti", "created_by": "x", "status": "active", "is_super_admin": "true", "trial_ends_at": "2099-01-01",
    "blocked_at": "", "author": "contact", "direction": "in", "campaign_id": "x", "position": "0", "kind": "simulator", "rate_per_second": "100000",
}  # fmt: skip
MINE = "select m.role, s.plan_id, s.status, o.slug, o.created_by = u.id from organization_members m join organizations o on o.id = m.organization_id" \
    " join auth.users u on u.id = m.user_id join subscriptions s on s.organization_id = o.id where u.email = 'eve@example.com'"  # fmt: skip


async def see(house: House, query: str) -> list[Any]:
    return await (await house.owner.execute(query)).fetchall()  # type: ignore[arg-type]  # literal in every test


async def test_8_2_3_and_15_3_3_whoever_registers_gets_what_everybody_gets(house: House) -> None:
    ((shop_owner,),) = await see(house, "select id from auth.users where email = 'maya@example.com'")
    stolen = {"organization_id": str(house.shop_id), "user_id": str(shop_owner), "id": str(shop_owner)}
    async with Browser(house.built) as eve:
        answer = await eve.register(email="eve@example.com", organization_name="Eve", **EXTRA, **stolen)
        assert answer.status_code == 303
    assert await see(house, MINE) == [("owner", "starter", "trialing", "eve", True)]
    ((confirmed, admin, meta),) = await see(
        house, "select email_confirmed_at, is_super_admin, raw_user_meta_data from auth.users where email = 'eve@example.com'"
    )  # fmt: skip
    assert (confirmed, bool(admin), meta.keys()) == (None, False, {"name", "organization_name"})


async def test_8_2_3_and_15_3_3_a_form_changes_the_fields_it_shows_and_no_others(house: House) -> None:
    contact = house.of_shop["contact_id"]
    ((conversation,),) = await see(house, "select id from conversations order by last_inbound_at desc nulls last limit 1")
    ((neighbour,),) = await see(house, "select id from organizations where name = 'Moretti'")
    before = await see(house, f"select to_jsonb(c) - array['given_name', 'search_text', 'updated_at'] from contacts c where id = '{contact}'")
    aside = {
        "id": str(neighbour),
        "user_id": str(neighbour),
        "phone": "1",
        "channel_id": str(neighbour),
        "last_seen_at": "2020-01-01",
        "marketing_consent": "granted",
    }
    answer = await house.shop.send(f"/dashboard/contacts/{contact}/name", page=f"/dashboard/contacts/{contact}", given_name="Ada", **EXTRA, **aside)
    assert answer.status_code in (200, 204, 303), answer.text
    assert await see(house, f"select given_name from contacts where id = '{contact}'") == [("Ada",)]
    assert await see(house, f"select to_jsonb(c) - array['given_name', 'search_text', 'updated_at'] from contacts c where id = '{contact}'") == before

    path = f"/dashboard/inbox/{conversation}"
    sent = await house.shop.send(f"{path}/messages", page=path, text="hello", **EXTRA, **(aside | {"user_id": str(neighbour)}))
    assert sent.status_code in (200, 204, 303), sent.text
    newest = "select direction, author, campaign_id, user_id <> %s from messages where text = 'hello'"
    rows = await (await house.owner.execute(newest, (neighbour,))).fetchall()
    assert rows == [("out", "member", None, True)]


async def test_8_2_3_and_15_3_3_a_form_that_names_another_organization_is_not_taken_there(house: House) -> None:
    before = await house.state()
    contact = house.of_shop["contact_id"]
    fields = {"given_name": "Stolen", "organization_id": str(house.shop_id)}
    page = (await house.neighbour.get("/dashboard/contacts")).text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    for path in (f"/dashboard/contacts/{contact}/name", "/dashboard/auto-replies/new"):
        answer = await house.neighbour.post(path, fields | {"csrf_token": token, "name": "x", "trigger": "fallback", "reply": "x"})
        assert answer.status_code in (404, 409), (path, answer.status_code)
    assert await house.state() == before
