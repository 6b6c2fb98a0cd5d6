"""Meeting people: by phone, by BSUID, once."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from frontdesk import contacts
from frontdesk.channels import Sender
from frontdesk.contacts import Arrival, Met
from tests.world import Shop, World

LENA = Sender(phone="4915112345678", bsuid=None, username=None, name="Lena")
HIDDEN = Sender(phone=None, bsuid="DE.123", username="lena.k", name="Lena")
BOTH = Sender(phone="4915112345678", bsuid="DE.123", username=None, name="Lena König")


async def meet(world: World, shop: Shop, *senders: Sender, scope: str = "portfolio") -> list[Met]:
    async with world.database.tenants([shop.organization_id]) as db:
        return await contacts.meet(db, [Arrival(shop.organization_id, scope, sender, datetime.now(UTC)) for sender in senders])


async def ids(world: World, *senders: Sender) -> list[UUID]:
    return [met.contact_id for met in await meet(world, world.shop, *senders)]


async def test_the_same_phone_is_the_same_contact(world: World) -> None:
    assert len(set(await ids(world, LENA, LENA) + await ids(world, LENA))) == 1
    assert await world.see("select count(*) from contacts") == [(1,)]


async def test_somebody_without_a_number_is_a_full_contact(world: World) -> None:
    (met,) = await meet(world, world.shop, HIDDEN)
    assert met.recipient == "DE.123" and met.name == "Lena"
    assert await world.see("select phone, username from contacts") == [(None, "lena.k")]


async def test_a_phone_learns_its_bsuid_and_is_then_found_by_it_alone(world: World) -> None:
    first = await ids(world, LENA)
    assert await ids(world, BOTH) == first
    assert await ids(world, HIDDEN) == first
    assert await world.see("select name, phone, username from contacts") == [("Lena", "4915112345678", "lena.k")]


async def test_two_addresses_that_arrive_together_make_one_contact(world: World) -> None:
    assert len(set(await ids(world, HIDDEN, BOTH, LENA))) == 1
    assert await world.see("select count(*) from contacts") == [(1,)]


async def test_a_bsuid_means_somebody_else_in_another_portfolio(world: World) -> None:
    (here,), (there,) = await meet(world, world.shop, HIDDEN), await meet(world, world.shop, HIDDEN, scope="another")
    assert here.contact_id != there.contact_id


async def test_a_neighbours_customer_is_his_own_contact(world: World) -> None:
    (mine,), (theirs,) = await meet(world, world.shop, LENA), await meet(world, world.neighbour, LENA)
    assert mine.contact_id != theirs.contact_id


async def test_eight_workers_that_meet_one_stranger_make_one_contact(world: World) -> None:
    met = await asyncio.gather(*(meet(world, world.shop, BOTH) for _ in range(8)))
    assert len({one[0].contact_id for one in met}) == 1
    assert await world.see("select count(*) from contacts") == [(1,)]


async def test_a_name_given_by_the_team_wins_over_whatsapps(world: World) -> None:
    await meet(world, world.shop, LENA)
    await world.owner.execute("update contacts set given_name = 'Lena from the corner'")
    assert (await meet(world, world.shop, BOTH))[0].name == "Lena from the corner"


async def test_a_name_of_thousands_of_characters_is_cut_not_refused(world: World) -> None:
    (met,) = await meet(world, world.shop, Sender("491", None, "u" * 5000, "N" * 10_000))
    assert met.name == "N" * 400


async def test_a_bsuid_means_somebody_else_in_another_portfolio_even_in_one_batch(world: World) -> None:
    here, there = (Arrival(world.shop.organization_id, scope, Sender(None, "US.1", None, "x"), datetime.now(UTC)) for scope in ("portfolio a", "portfolio b"))
    async with world.database.tenants([world.shop.organization_id]) as db:
        one, other = await contacts.meet(db, [here, there])
    assert one.contact_id != other.contact_id
