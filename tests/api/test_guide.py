"""The commands of the guide do what it says, and allowed networks hold in front of a real port."""

import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api.running import ids_of, make_key
from tests.product import Product, Shop, installed, open_shop

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "api.md"
LONGEST = 30.0  # seconds for the commands of the guide


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Product, Shop]]:
    """A shop of a running product that somebody has just written to."""
    with installed() as product:
        product.start()
        product.wait_until_healthy()
        async with open_shop(product, "Lagos Glow Salon") as opened:
            await opened.hears("hello")
            await opened.conversation()
            yield product, opened


async def test_every_command_of_the_guide_succeeds_and_allowed_networks_hold(shop: tuple[Product, Shop]) -> None:
    product, opened = shop
    key = await make_key(opened)
    ids = await ids_of(opened, key)
    commands = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert len(commands) >= 4
    known = os.environ | {"DESK_URL": product.url, "DESK_KEY": key, "CONVERSATION": str(ids["conversation_id"])}
    ran = subprocess.run(["bash", "-e", "-c", "\n".join(commands)], capture_output=True, text=True, env=known, timeout=LONGEST, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Your order is ready." in ran.stdout and "We are open from nine to five." in ran.stdout
    await networks_hold(product, await make_key(opened, networks="198.51.100.7"))


async def networks_hold(product: Product, key: str) -> None:
    """Only a proxy on this machine is believed: another address that claims to be the allowed one stays what it is."""
    claims = {"authorization": f"Bearer {key}", "x-forwarded-for": "198.51.100.7"}
    elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(base_url=f"{product.url}/api/v1", transport=elsewhere, trust_env=False) as forger:
        assert (await forger.get("/organization", headers=claims)).status_code == 401
    async with httpx.AsyncClient(base_url=f"{product.url}/api/v1", trust_env=False) as proxy:
        assert (await proxy.get("/organization", headers=claims)).status_code == 200
        assert (await proxy.get("/organization", headers={"authorization": f"Bearer {key}"})).status_code == 401
