"""Connecting a number, renewing its token, giving it up."""

from uuid import UUID

import pytest

from frontdesk import channels, secret_files
from frontdesk.channels import NewChannel, NumberTaken, Proof
from frontdesk.channels.input import checked
from frontdesk.channels.simulator import access_token
from frontdesk.errors import BadInput, NotFound
from frontdesk.settings import Settings
from frontdesk.usage import PlanLimitReached
from frontdesk.vault import DataKey, Vault
from tests.world import Shop, World

NEW = NewChannel("Main number", "106540352249999", "102290129340398", "+49 1511 2345678", "EAAG-token")


def proof(new: NewChannel) -> Proof:
    """What WhatsApp would have said: tests/channels/test_web_proofs.py asks it."""
    return Proof(new.phone_number_id, new.access_token)


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return secret_files.load(settings).vault


async def sealed(world: World, channel_id: UUID) -> str:
    rows = await world.see("select access_token from private.channel_credentials where channel_id = %s", channel_id)
    return str(rows[0][0])


async def data_key(world: World, vault: Vault, shop: Shop) -> DataKey:
    ((wrapped,),) = await world.see("select wrapped from private.data_keys where organization_id = %s", shop.organization_id)
    return vault.data_key(shop.organization_id, wrapped)


async def with_room(world: World) -> None:
    await world.see("update public.subscriptions set plan_id = 'professional' returning 1")


async def test_a_connected_number_has_its_token_sealed_for_its_own_row(world: World, vault: Vault) -> None:
    await with_room(world)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        channel_id = await channels.connect(db, vault, NEW, proof(NEW))
    token = await sealed(world, channel_id)
    assert "EAAG" not in token
    context = channels.token_context(world.shop.organization_id, channel_id)
    assert (await data_key(world, vault, world.shop)).open(token, context=context) == "EAAG-token"
    logged = await world.see("select details ->> 'number' from public.audit_logs where action = 'channel.connected'")
    assert logged == [("+49 1511 2345678",)]


async def test_the_plan_limits_how_many_numbers_are_connected(world: World, vault: Vault) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(PlanLimitReached, match="allows 1 channel"):
            await channels.connect(db, vault, NEW, proof(NEW))


async def test_a_taken_number_is_refused_in_the_same_words_whoever_has_it(world: World, vault: Vault) -> None:
    await with_room(world)
    refusals = []
    for taken_from in (world.shop, world.neighbour):
        taken = NewChannel("Mine", taken_from.phone_number_id, "12345", NEW.display_number, "token")
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            with pytest.raises(NumberTaken) as refusal:
                await channels.connect(db, vault, taken, proof(taken))
        refusals.append((str(refusal.value), refusal.value.field, refusal.value.status))
    assert refusals[0] == refusals[1] == (NumberTaken.__doc__, "phone_number_id", 409)


async def test_the_operator_connects_a_number_within_the_plan_too(world: World, vault: Vault) -> None:
    async with world.database.platform() as db:
        with pytest.raises(PlanLimitReached, match="The plan Starter"):
            await channels.connect(db, vault, NEW, proof(NEW), organization_id=world.shop.organization_id)
    await with_room(world)
    async with world.database.platform() as db:
        await channels.connect(db, vault, NEW, proof(NEW), organization_id=world.shop.organization_id)
    logged = await world.see("select actor_kind from public.audit_logs where action = 'channel.connected'")
    assert logged == [("operator",)]


@pytest.mark.parametrize(
    ("field", "typed"),
    [("phone_number_id", "+49 151"), ("phone_number_id", "١٢٣٤٥٦"), ("phone_number_id", "1" * 41), ("waba_id", ""),
    ("waba_id", "abc"),
     ("display_number", "call me"), ("display_number", "+49"), ("access_token", "  "), ("access_token", "two words"),
     ("access_token", "x" * 5000),
     ("name", " "), ("name", "n" * 201)],
)  # fmt: skip
def test_bad_input_names_its_field(field: str, typed: str) -> None:
    values = {name: getattr(NEW, name) for name in NEW.__slots__} | {field: typed}
    with pytest.raises(BadInput) as refusal:
        checked(NewChannel(**values))
    assert refusal.value.field == field


def test_a_number_is_written_as_people_write_it() -> None:
    tidy = checked(NewChannel(" Main  number ", " 12345 ", "12345", "00491511 2345678", " token\n"))
    assert (tidy.name, tidy.phone_number_id, tidy.access_token) == ("Main number", "12345", "token")
    assert tidy.display_number == "+49 1511 2345678"


async def test_a_new_token_starts_a_stopped_channel(world: World, vault: Vault) -> None:
    shop = world.shop
    await world.see("update public.channels set stopped_at = now(), stopped_reason = 'token expired', last_error = 'x' returning 1")
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        await channels.renew_token(db, vault, shop.channel_id, Proof(shop.phone_number_id, "fresh-token"))
        (channel,) = await channels.list_channels(db)
    assert (channel.stopped_at, channel.stopped_reason, channel.last_error) == (None, None, None)
    context = channels.token_context(shop.organization_id, shop.channel_id)
    assert (await data_key(world, vault, shop)).open(await sealed(world, shop.channel_id), context=context) == "fresh-token"


async def test_a_proof_for_one_number_renews_no_other(world: World, vault: Vault) -> None:
    shop = world.shop
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        with pytest.raises(NotFound):
            await channels.renew_token(db, vault, shop.channel_id, Proof(NEW.phone_number_id, "token"))
    assert await sealed(world, shop.channel_id) == "sealed"


async def test_what_is_stored_is_what_was_proven(world: World, vault: Vault) -> None:
    await with_room(world)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        channel_id = await channels.connect(db, vault, NEW, Proof("106540352240000", "proven"))
    context = channels.token_context(world.shop.organization_id, channel_id)
    assert (await data_key(world, vault, world.shop)).open(await sealed(world, channel_id), context=context) == "proven"
    assert await world.see("select phone_number_id from public.channels where id = %s", channel_id) == [("106540352240000",)]


async def test_a_strangers_channel_is_out_of_reach(world: World, vault: Vault) -> None:
    foreign = world.neighbour.channel_id
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(NotFound):
            await channels.renew_token(db, vault, foreign, Proof(world.neighbour.phone_number_id, "token"))
        with pytest.raises(NotFound):
            await channels.disconnect(db, foreign)
    assert await sealed(world, foreign) == "sealed"


async def test_a_disconnected_number_can_be_connected_elsewhere(world: World, vault: Vault) -> None:
    shop, neighbour = world.shop, world.neighbour
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        assert (await channels.disconnect(db, shop.channel_id)).phone_number_id == shop.phone_number_id
    async with world.database.tenant(neighbour.organization_id, neighbour.actor) as db:
        await channels.disconnect(db, neighbour.channel_id)
        moved = NewChannel("Moved", shop.phone_number_id, "12345", NEW.display_number, "token")
        assert await channels.connect(db, vault, moved, proof(moved))


async def open_sandbox(world: World, shop: Shop, settings: Settings) -> channels.ConnectedChannel:
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        return await channels.open_sandbox(db, settings)


async def test_every_organization_has_one_sandbox_number_of_its_own(world: World, settings: Settings) -> None:
    first = await open_sandbox(world, world.shop, settings)
    again = await open_sandbox(world, world.shop, settings)
    other = await open_sandbox(world, world.neighbour, settings)
    assert first.id == again.id
    assert first.phone_number_id != other.phone_number_id
    assert first.phone_number_id.isdigit()
    assert first.display_number.startswith("+1 555 01")


async def test_a_sandbox_token_is_the_one_the_simulator_computes(world: World, settings: Settings) -> None:
    channel, secrets = await open_sandbox(world, world.shop, settings), secret_files.load(settings)
    context = channels.token_context(world.shop.organization_id, channel.id)
    opened = (await data_key(world, secrets.vault, world.shop)).open(await sealed(world, channel.id), context=context)
    assert secrets.simulator_app_secret is not None
    assert opened == access_token(secrets.simulator_app_secret, channel.phone_number_id)


async def test_without_the_simulator_there_is_no_sandbox(world: World, settings: Settings) -> None:
    with pytest.raises(channels.NoSimulator):
        await open_sandbox(world, world.shop, settings.model_copy(update={"simulator": False}))


async def test_a_user_sees_the_sandbox_numbers_of_his_organizations_only(world: World, settings: Settings) -> None:
    mine = await open_sandbox(world, world.shop, settings)
    theirs = await open_sandbox(world, world.neighbour, settings)
    async with world.database.platform() as db:
        seen = await channels.sandbox_numbers(db, world.shop.owner_id, None)
        found = await channels.sandbox_numbers(db, None, theirs.phone_number_id)
        assert await channels.sandbox_numbers(db, None, "0") == []
    assert [one.phone_number_id for one in seen] == [mine.phone_number_id]
    assert [one.organization_name for one in found] == ["Moretti Calzature"]


def test_messages_go_to_meta_or_to_the_simulator(settings: Settings) -> None:
    def of(kind: str) -> channels.Channel:
        return channels.Channel(UUID(int=1), UUID(int=2), kind, "", "12345", "", "", "", 80, "connected")

    assert channels.endpoint(settings, of("cloud_api")) == "https://graph.facebook.com/v26.0/12345/messages"
    assert channels.endpoint(settings, of("simulator")) == "http://127.0.0.1:3002/simulator/graph/v26.0/12345/messages"
    apart = settings.model_copy(update={"simulator_url": "http://sim.example:9"})
    assert channels.endpoint(apart, of("simulator")) == "http://sim.example:9/graph/v26.0/12345/messages"
