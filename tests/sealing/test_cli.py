"""`frontdesk secrets`, as the operator types it, and keys exchanged under the real product."""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from frontdesk import doctor
from frontdesk.errors import FrontdeskError
from frontdesk.sealing.cli import app
from frontdesk.settings import Settings
from frontdesk.vault import BadKey, Vault
from tests.conftest import Urls
from tests.product import Product, eventually, installed
from tests.sealing.test_data_keys import renew, token_on_the_lane
from tests.sealing.test_rotation import AFTER, BEFORE, NEW, OLD, as_before_data_keys, owe_mail
from tests.world import World


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, urls: Urls, settings: Settings) -> None:
    monkeypatch.chdir(settings.data_dir.parent)
    for name, value in {"DATABASE_URL": urls.app, "FRONTDESK_DATA_DIR": str(settings.data_dir), "COLUMNS": "200", "FRONTDESK_SECRET_KEYS": OLD}.items():
        monkeypatch.setenv(name, value)


async def typed(*words: str) -> tuple[int, str]:
    """Exit code and what the command says; its refusal is raised."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(words))
    if isinstance(result.exception, FrontdeskError):
        raise result.exception
    return result.exit_code, " ".join(str(result.stdout).split())


async def test_the_whole_procedure_in_the_operators_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await typed("status") == (0, "key column values not sealed channel_credentials.access_token 2")
    await renew(world, BEFORE, world.shop, "token")
    await as_before_data_keys(world)
    await owe_mail(world, BEFORE)
    code, said = await typed("status")
    assert code == 0 and "k1 (newest) data_keys.wrapped 1" in said and "k1 (newest) mail_outbox.sealed 1" in said
    assert "data keys channel_credentials.access_token 1" in said
    assert "1 secret would be sealed otherwise now" in said  # from before data keys

    code, made = await typed("make-key")
    assert made.startswith("k2:") and Vault(made).names == ("k2",) and not Vault(made).guessable
    monkeypatch.setenv("FRONTDESK_SECRET_KEYS", f"{NEW},{OLD}")
    assert await typed("rotate") == (0, "3 secrets sealed anew; everything that opens is sealed with k2 now.")
    code, said = await typed("status")
    assert "k2 (newest) data_keys.wrapped 2" in said and said.endswith("The key k1 has sealed nothing that is stored: it can be removed.")
    assert (await typed("rotate"))[1].startswith("0 secrets sealed anew")
    monkeypatch.setenv("FRONTDESK_SECRET_KEYS", NEW)
    assert await token_on_the_lane(world, AFTER, world.shop) == "token"
    assert await finding() == doctor.Finding("secret keys", True, "all that is stored can be opened; k2 seals")


async def finding() -> doctor.Finding:
    (found,) = [one for one in await doctor.examine() if one.what == "secret keys"]
    return found


async def test_a_key_that_is_gone_is_named_by_status_and_doctor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await renew(world, BEFORE, world.shop, "token")
    monkeypatch.setenv("FRONTDESK_SECRET_KEYS", NEW)
    with pytest.raises(FrontdeskError, match="1 with the key k1, which is not there"):
        await typed("status")
    found = await finding()
    assert not found.well and "1 with the key k1, which is not there" in found.text
    with pytest.raises(FrontdeskError, match="cannot be brought back"):
        await typed("abandon", "k1")
    assert await typed("abandon", "k1", "--yes") == (0, "1 secret given up that the key k1 had sealed.")
    assert (await finding()).well


@pytest.mark.parametrize("name", ["k1", "two words", ""])
async def test_a_new_key_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(BadKey):
        await typed("make-key", name)


@pytest.mark.parametrize("sample", ["k1:" + "A" * 43 + "=", "k1:" + "c2FtcGxl" * 5 + "c2E="])
async def test_production_takes_no_sample_key(sample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"):
        monkeypatch.setenv(name, "real")
    monkeypatch.setenv("FRONTDESK_SECRET_KEYS", f"{NEW},{sample}")
    monkeypatch.setenv("FRONTDESK_ENV", "production")
    found = await finding()
    assert not found.well and "The key k1 of FRONTDESK_SECRET_KEYS is a sample" in found.text
    with pytest.raises(BadKey, match="is a sample"):
        await typed("status")


def rotating(urls: Urls) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    environment = os.environ | {"DATABASE_URL": urls.app, "FRONTDESK_SECRET_KEYS": f"{NEW},{OLD}"}
    return subprocess.Popen(
        [sys.executable, "-m", "frontdesk", "secrets", "rotate"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


async def ends(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    said, complained = await asyncio.to_thread(process.communicate)
    return process.returncode, said, complained


async def restart(product: Product, keys: str) -> None:
    product.end()
    product.environment["FRONTDESK_SECRET_KEYS"] = keys
    product.start()
    await asyncio.to_thread(product.wait_until_healthy)


async def test_keys_are_exchanged_under_the_running_product_and_kill_9_loses_nothing(world: World, urls: Urls, owner: psycopg.AsyncConnection[Any]) -> None:
    await renew(world, BEFORE, world.shop, "token")
    await as_before_data_keys(world)
    with installed(DATABASE_URL=urls.app, FRONTDESK_SECRET_KEYS=OLD) as product:
        product.start()
        await asyncio.to_thread(product.wait_until_healthy)
        code, _, complained = await ends(rotating(urls))
        assert code == 1 and "does not know the newest key yet" in complained and "Traceback" not in complained
        await restart(product, f"{NEW},{OLD}")

        async with await psycopg.AsyncConnection.connect(urls.owner) as other:
            # somebody holds a row, so that the rotation is still at it when it is killed
            await other.execute("select from private.channel_credentials where channel_id = %s for update", (world.neighbour.channel_id,))
            process = rotating(urls)

            async def begun() -> bool:
                return bool(await world.see("select from private.data_keys where wrapped like 'v1.k2.%%'"))

            await eventually(begun, "the first data key is sealed with the new key")
            process.send_signal(signal.SIGKILL)
            assert (await ends(process))[0] == -signal.SIGKILL
        both = Vault(f"{NEW},{OLD}")
        assert [await token_on_the_lane(world, both, shop) for shop in (world.shop, world.neighbour)] == ["token", "an old token"]
        assert (await ends(rotating(urls)))[:2] == (0, "1 secret sealed anew; everything that opens is sealed with k2 now.\n")

        await restart(product, NEW)
        assert [await token_on_the_lane(world, AFTER, shop) for shop in (world.shop, world.neighbour)] == ["token", "an old token"]
        product.end()
        product.environment["FRONTDESK_SECRET_KEYS"] = OLD
        product.start()
        assert await asyncio.to_thread(product.processes["serve"].wait, 60) == 1
        assert "with the key k2, which is not there" in product.said()
