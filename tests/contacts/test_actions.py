"""What members do with contacts: find, block, rename."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from frontdesk import contacts
from frontdesk.contacts import Contact, Cursor, NoSuchContact
from frontdesk.contacts.actions import NameTooLong, patterns
from frontdesk.database import Tenant, batch, new_id
from tests.world import Shop, World

SEEN = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)


async def add(world: World, shop: Shop, *people: tuple[str, str | None, str | None], seen: bool = True) -> list[UUID]:
    """Contacts of name, phone and username, each seen a minute before the one in front of it."""
    rows = [
        {"id": new_id(), "name": name, "phone": phone, "username": username,
         "search_text": contacts.search_text(name, username),
         "seen": SEEN - timedelta(minutes=n) if seen else None}
        for n, (name, phone, username) in enumerate(people)
    ]  # fmt: skip
    async with world.database.tenants([shop.organization_id]) as db:
        await db.run(
            """
            insert into public.contacts (organization_id, id, name, phone, username, search_text, last_seen_at)
            select %(organization_id)s, c.id, c.name, c.phone, c.username, c.search_text, c.seen
            from jsonb_to_recordset(%(batch)s)
              as c (id uuid, name text, phone text, username text, search_text text, seen timestamptz)
            """,
            {"organization_id": shop.organization_id, "batch": batch(rows)},
        )
    return [row["id"] for row in rows]


async def names(db: Tenant, text: str) -> set[str]:
    page, _ = await contacts.search(db, text)
    return {one.called for one in page}


async def test_people_are_found_by_name_username_and_number(world: World) -> None:
    await add(world, world.shop, ("João Pereira", "351915550163", None), ("", None, "zainab.a"), ("فاطمة السيد",
    "971505550129", None),
              ("100% Bikes_", None, None))  # fmt: skip
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert await names(db, "joao") == {"João Pereira"}
        assert await names(db, "PEREIRA jo") == {"João Pereira"}
        assert await names(db, "+351 915-550") == {"João Pereira"}
        assert await names(db, "@zainab") == {"zainab.a"}
        assert await names(db, "السيد") == {"فاطمة السيد"}
        assert await names(db, "%") == {"100% Bikes_"}
        assert await names(db, "s_") == {"100% Bikes_"}
        assert await names(db, "\\") == set()
        assert len(await names(db, "  ")) == 4


async def test_the_neighbours_contacts_are_not_found(world: World) -> None:
    await add(world, world.neighbour, ("Lena", "4915112345678", None))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert await contacts.search(db, "lena") == ([], None)


async def test_pages_follow_each_other_without_gap_or_repetition(world: World) -> None:
    seen = await add(world, world.shop, *[(f"Person {n}", None, None) for n in range(23)])
    never = await add(world, world.shop, *[(f"Imported {n}", None, None) for n in range(12)], seen=False)
    walked, cursor = [], None
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        while True:
            page, cursor = await contacts.search(db, after=cursor and Cursor.read(cursor.written()), how_many=5)
            walked += [one.id for one in page]
            if cursor is None:
                break
    assert walked == seen + sorted(never, reverse=True)


async def test_what_is_no_cursor_is_the_first_page() -> None:
    assert Cursor.read("") is None
    assert Cursor.read("1.2") is None
    assert Cursor.read(f"{10**30}.{new_id()}") is None


async def test_a_block_is_written_down_once_with_who_and_when(world: World) -> None:
    (lena,) = await add(world, world.shop, ("Lena", "4915112345678", None))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await contacts.block(db, lena)
        await contacts.block(db, lena)
        blocked: Contact = await contacts.find(db, lena)
        assert blocked.blocked_at is not None
        assert blocked.blocked_by == world.shop.owner_id
        assert [one.id for one in (await contacts.search(db, blocked=True))[0]] == [lena]
        await contacts.unblock(db, lena)
        assert (await contacts.find(db, lena)).blocked_at is None
    logged = await world.see("select action from public.audit_logs where target_type = 'contact' order by seq")
    assert logged == [("contact.blocked",), ("contact.unblocked",)]


async def test_a_given_name_wins_and_both_names_are_found(world: World) -> None:
    (chen,) = await add(world, world.shop, ("陈伟", "8613855500172", None))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert (await contacts.rename(db, chen, "  Chen   Wei ")).called == "Chen Wei"
        assert await names(db, "chen") == await names(db, "陈伟") == {"Chen Wei"}
        assert (await contacts.rename(db, chen, " ")).called == "陈伟"
        with pytest.raises(NameTooLong, match="401") as refusal:
            await contacts.rename(db, chen, "x" * 401)
    assert refusal.value.field == "given_name"


async def test_a_strangers_contact_is_out_of_reach(world: World) -> None:
    (lena,) = await add(world, world.neighbour, ("Lena", "4915112345678", None))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        for verb in (contacts.find, contacts.block, contacts.unblock):
            with pytest.raises(NoSuchContact):
                await verb(db, lena)
        with pytest.raises(NoSuchContact):
            await contacts.rename(db, lena, "Mine")


async def test_the_last_of_ten_thousand_contacts_is_one_page_away(world: World) -> None:
    await add(world, world.shop, *[(f"Person {n}", f"49151{n:08}", None) for n in range(10_000)])
    await world.owner.execute("analyze public.contacts")
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        page, cursor = await contacts.search(db)
        assert len(page) == 50
        assert cursor is not None
        later, _ = await contacts.search(db, after=Cursor(SEEN - timedelta(minutes=9_000), new_id()))
        assert later[0].called == "Person 9000"
        assert await names(db, "49151 00009999") == {"Person 9999"}


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("+49 (151) 123", ["%49151123%"]), ("Müller  anna", ["%muller%", "%anna%"]), ("", []), ("50% off", ["%50\\%%",
    "%off%"])],
)  # fmt: skip
def test_a_search_is_a_pattern_for_each_word(typed: str, wanted: list[str]) -> None:
    assert patterns(typed) == wanted
