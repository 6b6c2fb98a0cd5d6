"""Two hundred people sign in at once: everybody gets in, others are served meanwhile, and the memory stays small."""

import asyncio
import re
from pathlib import Path

import httpx
import psycopg

from frontdesk.users.passwords import HASHER
from tests.conftest import Urls
from tests.product import PATIENCE, Product, installed
from tests.users.browser import PASSWORD, hidden_fields

PEOPLE = 200
MOST_MEMORY = 1024  # MiB, of the web process and the worker together
USERS = """
    insert into auth.users (id, email, encrypted_password, raw_user_meta_data)
    select gen_random_uuid(), 'user' || n || '@example.com', %s, '{"joins_by_invitation": "true"}' from generate_series(1, %s) n
"""


async def sign_in(client: httpx.AsyncClient, base: str, number: int) -> int:
    """One of them, from an address of his own."""
    headers = {"origin": base, "x-forwarded-for": f"203.0.113.{number}" if number < 250 else "203.0.113.250"}
    page = await client.get("/login", headers=headers)
    fields = hidden_fields(page.text) | {"email": f"user{number}@example.com", "password": PASSWORD}
    cookies = {"cookie": f"visit={page.cookies['visit']}"}
    answer = await client.post("/login", data=fields, headers=headers | cookies)
    return answer.status_code


async def test_two_hundred_sign_in_at_once(urls: Urls) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute(USERS, (HASHER.hash(PASSWORD), PEOPLE))
    with installed(DATABASE_URL=urls.app) as product:
        product.start()
        product.wait_until_healthy()
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=product.url, timeout=2 * PATIENCE, limits=limits, trust_env=False) as crowd:
            storm = asyncio.gather(*(sign_in(crowd, product.url, number) for number in range(1, PEOPLE + 1)))
            served = await pages_meanwhile(product, storm)
            codes = await storm
        assert sorted(set(codes)) == [303], {code: codes.count(code) for code in set(codes)}
        assert served >= 10, "others were not served while people signed in"
        assert memory(product) < MOST_MEMORY


async def pages_meanwhile(product: Product, storm: "asyncio.Future[list[int]]") -> int:
    """How many pages somebody else gets, one after the other, until the storm is over."""
    served = 0
    async with httpx.AsyncClient(base_url=product.url, timeout=PATIENCE, trust_env=False) as other:
        while not storm.done():
            assert (await other.get("/register")).status_code == 200
            served += 1
            await asyncio.sleep(0.02)
    return served


def memory(product: Product) -> float:
    """The most memory that the processes of the product have ever held, in MiB."""
    group = {product.processes["serve"].pid}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if (parent := re.search(r"PPid:\s+(\d+)", text)) and int(parent[1]) in group:
            group.add(int(status.parent.name))
    peaks = [re.search(r"VmHWM:\s+(\d+)", (Path("/proc") / str(pid) / "status").read_text()) for pid in group]
    return sum(int(peak[1]) for peak in peaks if peak) / 1024
