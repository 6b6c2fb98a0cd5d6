"""Hashing: strong, the same work for strangers, and never more at once than the machine can bear."""

import asyncio
import threading

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from frontdesk.users import passwords

WEAK = PasswordHash((Argon2Hasher(memory_cost=1024, time_cost=1, parallelism=1),))


async def test_a_password_fits_its_own_hash_only() -> None:
    kept = await passwords.hashed("quiet lamps under rivers")
    assert (await passwords.check("quiet lamps under rivers", kept)) == passwords.Check(right=True)
    assert not (await passwords.check("quiet lamps under river", kept)).right


async def test_a_password_fits_however_the_keyboard_composed_its_letters() -> None:
    kept = await passwords.hashed("cafe\u0301 am see 12")
    assert (await passwords.check("caf\u00e9 am see 12", kept)).right


async def test_a_weaker_hash_is_replaced_when_its_password_comes_by() -> None:
    checked = await passwords.check("quiet lamps", WEAK.hash("quiet lamps"))
    assert checked.right and checked.new_hash is not None
    assert checked.new_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await passwords.check("wrong", WEAK.hash("quiet lamps"))).new_hash is None


def test_a_strangers_password_is_checked_against_a_hash_of_full_strength() -> None:
    right, new_hash = passwords.HASHER.verify_and_update("anything", passwords.NOBODY)
    assert (right, new_hash) == (False, None)
    assert passwords.NOBODY.split("$")[3] == passwords.HASHER.hash("x").split("$")[3] == "m=19456,t=2,p=1"


@pytest.mark.parametrize("kept", [None, "", "$2a$10$abcdefghijklmnopqrstuu", "no hash at all"])
async def test_where_there_is_no_hash_of_ours_the_same_work_is_done_in_vain(kept: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    original = passwords.HASHER.hashers[0].verify

    def count(password: str, password_hash: str) -> bool:
        checked.append(password_hash)
        return original(password, password_hash)

    monkeypatch.setattr(passwords.HASHER.hashers[0], "verify", count)
    assert await passwords.check("anything", kept) == passwords.Check(right=False)
    assert checked == [passwords.NOBODY]


async def test_only_so_many_work_at_once_and_whoever_finds_the_line_full_is_told() -> None:
    shop, gate, inside, most = passwords.Workshop(at_once=2, waiting=3), threading.Event(), [], []

    def work() -> None:
        inside.append(1)
        most.append(len(inside))
        gate.wait(10)
        inside.pop()

    running = [asyncio.create_task(shop.run(work)) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(passwords.PasswordsBusy):
        await shop.run(work)
    gate.set()
    await asyncio.gather(*running)
    assert max(most) <= 2
    await shop.run(work)  # there is room again


async def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    hashing, turns = asyncio.create_task(passwords.hashed("quiet lamps under rivers")), 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3
