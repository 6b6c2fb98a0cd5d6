"""Keys are exchanged while everybody goes on reading and writing, and nothing is lost however it ends."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from frontdesk import channels, sealing
from frontdesk.channels import Proof, token_context
from frontdesk.database import Database, new_id
from frontdesk.sealing import actions
from frontdesk.sealing.records import Rotation
from frontdesk.vault import CannotOpen, Vault
from tests.sealing.test_data_keys import renew, token_on_the_lane, wrapped_of
from tests.world import World

OLD, NEW = Vault.make_key("k1"), Vault.make_key("k2")
BEFORE, BETWEEN, AFTER = Vault(OLD), Vault(f"{NEW},{OLD}"), Vault(NEW)


async def rotate(world: World, vault: Vault = BETWEEN) -> Rotation:
    return await actions.rotate(world.database, vault, lambda done: None)


async def turn_on_factor(world: World, vault: Vault) -> None:
    """A secret of a user who belongs to no organization as such: the one of an authenticator app."""
    user_id = world.shop.owner_id
    sealed = vault.seal("JBSWY3DPEHPK3PXP", context=f"{user_id}|authenticators|secret")
    await world.owner.execute("insert into private.authenticators (user_id, secret, last_step) values (%s, %s, 0)", (user_id, sealed))


async def factor_of(world: World, vault: Vault) -> str:
    ((sealed,),) = await world.see("select secret from private.authenticators")
    return vault.open(sealed, context=f"{world.shop.owner_id}|authenticators|secret")


async def owe_mail(world: World, vault: Vault) -> UUID:
    """A secret of the installation: a mail that waits."""
    mail_id = new_id()
    sealed = vault.seal("a link that lets somebody in", context=f"mail|{mail_id}")
    await world.owner.execute("select private.queue_mail(%s, null, 'a@b.example', 'x/y', 'en', %s, now() + interval '1 day')", (mail_id, sealed))
    return mail_id


async def mail_text(world: World, vault: Vault, mail_id: UUID) -> str:
    ((sealed,),) = await world.see("select sealed from private.mail_outbox where id = %s", mail_id)
    return vault.open(sealed, context=f"mail|{mail_id}")


async def as_before_data_keys(world: World) -> None:
    """The neighbour's token as versions without data keys have sealed it."""
    lane = world.neighbour.lane
    sealed = BEFORE.seal("an old token", context=token_context(*lane))
    await world.owner.execute("update private.channel_credentials set access_token = %s where channel_id = %s", (sealed, lane.channel_id))


async def test_after_a_rotation_the_new_key_alone_opens_everything(world: World) -> None:
    await renew(world, BEFORE, world.shop, "token")
    await as_before_data_keys(world)
    mail_id = await owe_mail(world, BEFORE)
    await turn_on_factor(world, BEFORE)
    key = BEFORE.data_key(world.shop.organization_id, await wrapped_of(world, world.shop))
    assert await rotate(world) == Rotation(renewed=4)
    assert await factor_of(world, AFTER) == "JBSWY3DPEHPK3PXP"
    assert await token_on_the_lane(world, AFTER, world.shop) == "token"
    assert await token_on_the_lane(world, AFTER, world.neighbour) == "an old token"
    assert await mail_text(world, AFTER, mail_id) == "a link that lets somebody in"
    assert AFTER.data_key(world.shop.organization_id, await wrapped_of(world, world.shop)).id == key.id  # only its wrapping is new
    await sealing.require_keys(world.database, AFTER)
    assert await rotate(world) == Rotation()


async def test_a_token_renewed_while_its_row_is_rotated_is_the_one_that_stays(world: World) -> None:
    await renew(world, BEFORE, world.neighbour, "its data key is made with this one")
    await as_before_data_keys(world)
    held, lane = asyncio.Event(), world.neighbour.lane

    async def renew_slowly() -> None:
        async with world.database.tenant(lane.organization_id, world.neighbour.actor) as db:
            await channels.renew_token(db, BETWEEN, lane.channel_id, Proof(world.neighbour.phone_number_id, "the new token"))
            held.set()
            while len(rounds) < 2:  # the data key was renewed, and the token left alone
                await asyncio.sleep(0.01)

    rounds: list[int] = []
    renewing = asyncio.create_task(renew_slowly())
    await held.wait()
    done = await actions.rotate(world.database, BETWEEN, rounds.append)
    await renewing
    assert done == Rotation(renewed=1) and rounds[:2] == [1, 0]
    assert await token_on_the_lane(world, AFTER, world.neighbour) == "the new token"


async def test_many_are_renewed_while_it_rotates_and_none_is_lost(world: World) -> None:
    for shop in (world.shop, world.neighbour):
        await renew(world, BEFORE, shop, "first")

    async def keep_renewing() -> None:
        for number in range(20):
            await asyncio.gather(renew(world, BETWEEN, world.shop, f"token {number}"), renew(world, BETWEEN, world.neighbour, f"token {number}"))

    _, done = await asyncio.gather(keep_renewing(), rotate(world))
    assert done.left == done.unopened == 0
    assert [await token_on_the_lane(world, AFTER, shop) for shop in (world.shop, world.neighbour)] == ["token 19", "token 19"]


async def test_stopped_in_the_middle_it_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH", 2)
    mails = [await owe_mail(world, BEFORE) for _ in range(7)]

    class Stopped(Exception):
        pass

    def stop(done: int) -> None:
        raise Stopped

    for _ in range(3):
        with pytest.raises(Stopped):
            await actions.rotate(world.database, BETWEEN, stop)
        for mail_id in mails:
            assert await mail_text(world, BETWEEN, mail_id)
    assert await rotate(world) == Rotation(renewed=1)
    for mail_id in mails:
        assert await mail_text(world, AFTER, mail_id)


async def test_a_value_that_opens_for_nobody_is_told_and_stays_while_all_others_go_on(world: World) -> None:
    damaged, whole = await owe_mail(world, BEFORE), await owe_mail(world, BEFORE)
    await world.owner.execute("update private.mail_outbox set sealed = overlay(sealed placing 'AAAA' from 8 for 4) where id = %s", (damaged,))
    assert await rotate(world) == Rotation(renewed=1, unopened=1)
    assert await mail_text(world, AFTER, whole)
    with pytest.raises(CannotOpen):
        await mail_text(world, BETWEEN, damaged)


async def test_nothing_is_rotated_or_started_while_a_needed_key_is_gone(world: World) -> None:
    await renew(world, BEFORE, world.shop, "token")
    await owe_mail(world, BEFORE)
    for attempt in (sealing.require_keys(world.database, AFTER), actions.rotate(world.database, AFTER, print)):
        with pytest.raises(actions.KeysMissing, match=r"2 with the key k1, which is not there.*secrets abandon k1"):
            await attempt
    assert await token_on_the_lane(world, BEFORE, world.shop) == "token"


async def test_another_key_of_the_same_name_is_not_taken_for_it(world: World) -> None:
    await renew(world, BEFORE, world.shop, "token")
    with pytest.raises(actions.KeysMissing, match="1 with a key k1, but the key of that name is another one now"):
        await sealing.require_keys(world.database, Vault(Vault.make_key("k1")))


async def test_one_damaged_value_is_no_reason_not_to_start(world: World) -> None:
    damaged, _ = await owe_mail(world, BEFORE), await owe_mail(world, BEFORE)
    await world.owner.execute("update private.mail_outbox set sealed = overlay(sealed placing 'AAAA' from 8 for 4) where id = %s", (damaged,))
    await sealing.require_keys(world.database, BEFORE)


async def test_without_a_new_key_there_is_nothing_to_rotate_to(world: World) -> None:
    await renew(world, BEFORE, world.shop, "token")
    with pytest.raises(actions.NoNewKey):
        await rotate(world, BEFORE)


async def test_it_waits_until_every_running_process_knows_the_new_key(world: World, urls: Any) -> None:
    await renew(world, BEFORE, world.shop, "token")
    running = await Database.open(urls.app, min_size=1, name=sealing.badge(BEFORE))
    with pytest.raises(actions.NotKnownEverywhere, match="Restart every process with the key k2 in front"):
        await rotate(world)
    await running.close()
    restarted = await Database.open(urls.app, min_size=1, name=sealing.badge(BETWEEN))
    while any(name == sealing.badge(BEFORE) for (name,) in await world.see("select application_name from pg_stat_activity")):
        await asyncio.sleep(0.01)
    assert await rotate(world) == Rotation(renewed=1)
    await restarted.close()


async def test_what_a_lost_key_has_sealed_is_given_up_and_the_channel_takes_a_new_token(world: World) -> None:
    await renew(world, BEFORE, world.shop, "token")
    await as_before_data_keys(world)
    mail_id = await owe_mail(world, BEFORE)
    await turn_on_factor(world, BEFORE)
    assert await actions.abandon(world.database, AFTER, "k1") == 4
    await sealing.require_keys(world.database, AFTER)
    tokens = [token_on_the_lane(world, AFTER, shop) for shop in (world.shop, world.neighbour)]
    for lost in (*tokens, mail_text(world, AFTER, mail_id), factor_of(world, AFTER)):
        with pytest.raises(CannotOpen):
            await lost
    await renew(world, AFTER, world.shop, "typed in again")
    assert await token_on_the_lane(world, AFTER, world.shop) == "typed in again"


async def test_what_a_key_has_sealed_that_is_there_is_not_given_up(world: World) -> None:
    await renew(world, BEFORE, world.shop, "token")
    for name in ("k1", "k2"):
        with pytest.raises(actions.KeyIsThere):
            await actions.abandon(world.database, BETWEEN, name)
    assert await token_on_the_lane(world, BEFORE, world.shop) == "token"


async def test_every_registered_column_is_there_and_its_context_names_the_row(owner: psycopg.AsyncConnection[Any]) -> None:
    rows = await (await owner.execute("select place, row_key, context, with_data_key from private.sealed_columns")).fetchall()
    assert len(rows) > 5
    for place, row_key, context, with_data_key in rows:
        table, column = place.split(".")
        keys = await owner.execute(
            "select a.attname::text from pg_index i, unnest(i.indkey) with ordinality k (num, n), pg_attribute a"
            " where i.indrelid = %s::regclass and i.indisprimary and a.attrelid = i.indrelid and a.attnum = k.num order by k.n",
            (f"private.{table}",),
        )
        assert [name for (name,) in await keys.fetchall()] == row_key, place
        kind = await owner.execute(
            "select format_type(atttypid, null) from pg_attribute where attrelid = %s::regclass and attname = %s", (f"private.{table}", column)
        )
        assert await kind.fetchone() == ("text",), place
        assert all(f"%{number}$s" in context for number in range(1, len(row_key) + 1)), place
        assert with_data_key == (row_key[0] == "organization_id" and table != "data_keys"), place
