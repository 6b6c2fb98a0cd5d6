"""A number in an organization's own Meta app: what is sealed, who may see the address, what is logged."""

from uuid import UUID

import pytest

from frontdesk import channels, secret_files
from frontdesk.channels import NewChannel, NoSuchChannel, Proof, find_own_app
from frontdesk.channels.actions import app_addresses, renew_app_secret
from frontdesk.channels.own_apps import AppAddress
from frontdesk.errors import BadInput, Unavailable
from frontdesk.settings import Settings
from frontdesk.vault import Vault
from tests.strangers import STRANGERS, join
from tests.world import Shop, World

SECRET, NUMBER = "0123456789abcdef0123456789abcdef", "106540352249999"
OWN = NewChannel("Main number", NUMBER, "102290129340398", "+49 1511 2345678", "EAAG-token", SECRET)


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return secret_files.load(settings).vault


async def connected(world: World, vault: Vault, shop: Shop, new: NewChannel = OWN) -> tuple[UUID, AppAddress]:
    """A number with its own app, and what that app is told."""
    await world.see("update public.subscriptions set plan_id = 'professional' returning 1")
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        channel_id = await channels.connect(db, vault, new, Proof(new.phone_number_id, new.access_token))
        address = (await app_addresses(db, vault, shop.organization_id))[channel_id]
    assert address is not None
    return channel_id, address


async def test_everything_of_an_own_app_is_sealed_and_only_a_hash_finds_it(world: World, vault: Vault) -> None:
    channel_id, address = await connected(world, vault, world.shop)
    ((row,),) = await world.see("select a::text from private.channel_apps a")
    assert not any(secret in row for secret in (SECRET, address.webhook_token, address.verify_token))
    assert len(address.webhook_token) == len(address.verify_token) == 43
    app = await find_own_app(world.database, vault, address.webhook_token)
    assert app is not None
    assert (app.lane, app.phone_number_id) == ((world.shop.organization_id, channel_id), NUMBER)
    assert (app.app_secret, app.verify_token) == (SECRET, address.verify_token)
    assert SECRET not in repr(app) and SECRET not in repr(OWN) and "EAAG" not in repr(OWN)
    assert await find_own_app(world.database, vault, address.webhook_token[:-1]) is None


async def test_connecting_is_logged_without_a_secret(world: World, vault: Vault) -> None:
    channel_id, address = await connected(world, vault, world.shop)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await renew_app_secret(db, vault, channel_id, SECRET[::-1])
    logged = await world.see("select action, details ->> 'own_app' from public.audit_logs where action like 'channel.%%' order by seq")
    assert logged == [("channel.connected", "true"), ("channel.app_secret_renewed", None)]
    ((everything,),) = await world.see("select string_agg(l::text, ' ') from public.audit_logs l")
    assert not any(secret in everything for secret in (SECRET, SECRET[::-1], address.webhook_token, address.verify_token))


@pytest.mark.parametrize("stranger", sorted(STRANGERS.keys() - {"application without a role"}))  # that one is who looks addresses up
async def test_nobody_else_reads_or_looks_up_an_app(world: World, vault: Vault, stranger: str) -> None:
    await connected(world, vault, world.shop)
    async with STRANGERS[stranger](world) as db:
        for statement in ("select * from private.channel_apps", "select * from private.find_channel_app(sha256('x'))"):
            with pytest.raises(Exception, match="permission denied"):
                async with db._connection.transaction():
                    await db._connection.execute(statement)  # type: ignore[arg-type]  # one of the two above


@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_who_may_not_change_channels_sees_no_address(world: World, vault: Vault, role: str) -> None:
    channel_id, _ = await connected(world, vault, world.shop)
    user_id = await join(world, world.shop, role)
    async with world.database.tenant(world.shop.organization_id, type(world.shop.actor)(kind="user", user_id=user_id)) as db:
        assert await app_addresses(db, vault, world.shop.organization_id) == {}
        with pytest.raises(Exception, match="not allowed"):
            await renew_app_secret(db, vault, channel_id, SECRET)


async def test_a_secret_sealed_for_another_row_does_not_open(world: World, vault: Vault) -> None:
    _, address = await connected(world, vault, world.shop)
    await connected(world, vault, world.neighbour, NewChannel("x", "106540352248888", "1" * 8, OWN.display_number, "token", "f" * 32))
    await world.owner.execute(
        "update private.channel_apps a set app_secret = (select b.app_secret from private.channel_apps b where b.organization_id <> a.organization_id)"
    )
    with pytest.raises(Unavailable):
        await find_own_app(world.database, vault, address.webhook_token)


async def test_an_app_ends_with_its_channel(world: World, vault: Vault) -> None:
    channel_id, address = await connected(world, vault, world.shop)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await channels.disconnect(db, channel_id)
        with pytest.raises(NoSuchChannel):
            await renew_app_secret(db, vault, channel_id, SECRET)
    assert await find_own_app(world.database, vault, address.webhook_token) is None


@pytest.mark.parametrize("typed", ["short", "two words in here!", "x" * 4001, "ümläute-0123456789"])
async def test_what_is_no_app_secret_is_refused_by_its_field(world: World, vault: Vault, typed: str) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(BadInput) as refusal:
            await channels.connect(db, vault, NewChannel("x", NUMBER, "1" * 8, OWN.display_number, "token", typed), Proof(NUMBER, "token"))
        assert refusal.value.field == "own_app_secret"
        with pytest.raises(BadInput) as refusal:
            await renew_app_secret(db, vault, world.shop.channel_id, typed)
        assert refusal.value.field == "app_secret"
