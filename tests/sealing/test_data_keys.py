"""An organization's secrets are sealed with a key of its own, which opens nothing of anybody else and goes with it."""

import asyncio
from uuid import UUID

import pytest

from frontdesk import channels, sealing, secret_files
from frontdesk.channels import Lanes, NewChannel, Proof, token_context
from frontdesk.database import new_id
from frontdesk.settings import Settings
from frontdesk.vault import CannotOpen, Vault
from tests.strangers import join
from tests.world import Shop, World

NEW = NewChannel("Main number", "106540352249999", "102290129340398", "+49 1511 2345678", "EAAG-token", "0123456789abcdef0123456789abcdef")


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return secret_files.load(settings).vault


async def wrapped_of(world: World, shop: Shop) -> str:
    ((wrapped,),) = await world.see("select wrapped from private.data_keys where organization_id = %s", shop.organization_id)
    return str(wrapped)


async def token_on_the_lane(world: World, vault: Vault, shop: Shop) -> str:
    """What the worker speaks with: it is given the sealed token and the wrapped data key, and asks nothing more."""
    lanes = Lanes(world.database, world.worker, "out")
    leased = (await lanes.hold([shop.lane]))[shop.lane]
    return vault.of(shop.organization_id, leased.data_key).open(leased.sealed_token or "", context=token_context(*shop.lane))


async def renew(world: World, vault: Vault, shop: Shop, token: str) -> None:
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        await channels.renew_token(db, vault, shop.channel_id, Proof(shop.phone_number_id, token))


async def test_every_organization_has_its_own_data_key(world: World, vault: Vault) -> None:
    for shop in (world.shop, world.neighbour):
        await renew(world, vault, shop, f"token of {shop.name}")
        assert await token_on_the_lane(world, vault, shop) == f"token of {shop.name}"
    ours, theirs = [vault.data_key(shop.organization_id, await wrapped_of(world, shop)) for shop in (world.shop, world.neighbour)]
    assert ours.id != theirs.id
    sealed = ours.seal("token", context="c")
    assert sealed.startswith(f"v2.{ours.id}.")
    for other in (theirs, vault):
        with pytest.raises(CannotOpen):
            other.open(sealed, context="c")
    with pytest.raises(CannotOpen):
        theirs.open(sealed.replace(ours.id, theirs.id), context="c")


async def test_a_data_key_in_another_organizations_row_opens_nothing(world: World, vault: Vault) -> None:
    for shop in (world.shop, world.neighbour):
        await renew(world, vault, shop, "token")
    await world.owner.execute(
        "update private.data_keys k set wrapped = (select o.wrapped from private.data_keys o where o.organization_id <> k.organization_id)"
    )
    with pytest.raises(CannotOpen):
        await token_on_the_lane(world, vault, world.shop)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(sealing.SecretsLocked):
            await channels.renew_token(db, vault, world.shop.channel_id, Proof(world.shop.phone_number_id, "another"))


def test_a_key_written_into_the_file_counts_from_the_next_start_on(settings: Settings) -> None:
    before, file = secret_files.load(settings).vault, settings.data_dir / "secrets" / "keys"
    file.write_text(f"{Vault.make_key('k2')},{file.read_text()}")
    assert secret_files.load(settings).vault is before and before.names == ("k1",)  # as the worker beside it


async def test_a_key_that_was_opened_for_one_organization_is_opened_for_no_other(world: World, vault: Vault) -> None:
    wrapped = vault.make_data_key(world.shop.organization_id)
    opened = vault.data_key(world.shop.organization_id, wrapped)
    assert vault.data_key(world.shop.organization_id, wrapped) is opened  # kept: the roads open it again and again
    with pytest.raises(CannotOpen):
        vault.data_key(world.neighbour.organization_id, wrapped)


async def test_what_an_earlier_version_sealed_is_still_spoken_with(world: World, vault: Vault) -> None:
    sealed = vault.seal("an old token", context=token_context(*world.shop.lane))
    await world.owner.execute("update private.channel_credentials set access_token = %s where channel_id = %s", (sealed, world.shop.channel_id))
    assert await token_on_the_lane(world, vault, world.shop) == "an old token"
    await make_key(world, vault, world.shop)  # something newer was sealed meanwhile
    assert await token_on_the_lane(world, vault, world.shop) == "an old token"


async def make_key(world: World, vault: Vault, shop: Shop) -> str:
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        return (await sealing.data_key(db, vault, shop.organization_id)).id


async def test_all_who_need_a_first_key_at_once_get_the_same(world: World, vault: Vault) -> None:
    ids = await asyncio.gather(*(make_key(world, vault, world.shop) for _ in range(6)))
    assert len(set(ids)) == 1


async def test_no_stranger_reads_or_gives_a_data_key(world: World, vault: Vault) -> None:
    before = await make_key(world, vault, world.shop)
    stranger = await join(world, world.neighbour, "owner")
    for organization_id in (world.shop.organization_id, new_id()):
        async with world.database.tenant(world.neighbour.organization_id, type(world.shop.actor)(kind="user", user_id=stranger)) as db:
            with pytest.raises(Exception, match="not allowed for this organization"):
                await sealing.data_key(db, vault, organization_id)
    assert await make_key(world, vault, world.shop) == before


async def test_the_key_goes_with_its_organization(world: World, vault: Vault) -> None:
    await renew(world, vault, world.shop, "token")
    await world.owner.execute("delete from public.organizations where id = %s", (world.shop.organization_id,))
    assert await world.see("select * from private.data_keys") == []


async def test_an_address_whose_data_key_is_lost_says_so_and_breaks_no_page(world: World, vault: Vault) -> None:
    await world.see("update public.subscriptions set plan_id = 'professional' returning 1")
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        channel_id: UUID = await channels.connect(db, vault, NEW, Proof(NEW.phone_number_id, NEW.access_token))
        assert (await channels.actions.app_addresses(db, vault, world.shop.organization_id))[channel_id] is not None
        stranger = Vault(Vault.make_key())
        assert await channels.actions.app_addresses(db, stranger, world.shop.organization_id) == {channel_id: None}


async def test_it_goes_first_when_the_deletion_begins(world: World, vault: Vault) -> None:
    for shop in (world.shop, world.neighbour):
        await renew(world, vault, shop, "token")
    await world.owner.execute(
        "insert into public.organization_deletions (organization_id, requested_at, due_at) values (%s, now() - interval '8 days', now() - interval '1 day')",
        (world.shop.organization_id,),
    )
    await world.database.call("select * from private.begin_deletions()")
    assert await world.see("select organization_id from private.data_keys") == [(world.neighbour.organization_id,)]
    assert await world.see("select count(*) from private.channel_credentials where organization_id = %s", world.shop.organization_id) == [(1,)]
    with pytest.raises(CannotOpen):
        await token_on_the_lane(world, vault, world.shop)
    assert await token_on_the_lane(world, vault, world.neighbour) == "token"
