"""One product, one browser for all; each test with an organization of its own."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.windows import Windows
from tests.conftest import Clones, Urls
from tests.product import PATIENCE, Product, Shop, Visitor, installed, open_shop
from tests.users.browser import PASSWORD

expect.set_options(timeout=PATIENCE * 500)


@pytest.fixture(scope="package")
def stage(chromium: str, clones: Clones) -> Iterator[tuple[Product, Urls]]:
    """The product with its worker on a database of its own, and the addresses of that."""
    urls = clones.make()
    with installed(DATABASE_URL=urls.app) as product:
        product.start()
        product.wait_until_healthy()
        yield product, urls
    clones.done_with(urls)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chrome(chromium: str) -> AsyncIterator[Browser]:
    """The running Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
def product(stage: tuple[Product, Urls]) -> Product:
    """The running product."""
    return stage[0]


@pytest_asyncio.fixture(loop_scope="package")
async def windows(product: Product, chrome: Browser) -> AsyncIterator[Windows]:
    """Windows on the product; none may have complained."""
    opener = Windows(chrome, product.url)
    yield opener
    await opener.close()
    assert opener.complaints == []


@pytest_asyncio.fixture(loop_scope="package")
async def shop(product: Product) -> AsyncIterator[Shop]:
    """A new organization with its sandbox number and its owner, Maya Bello."""
    async with open_shop(product, "Lagos Glow Salon") as opened:
        yield opened


class Team:
    """The colleagues of a shop's owner: there is no page to invite them yet, so the database's owner puts them in."""

    def __init__(self, shop: Shop, owner: psycopg.Connection, url: str) -> None:
        self.shop, self.owner, self.url = shop, owner, url
        self.joined: list[Visitor] = []

    async def join(self, name: str, role: str) -> Visitor:
        """Somebody in this role, signed in."""
        visitor, email = Visitor(self.url), f"{name.lower()}.{len(self.joined)}.{self.shop.email}"
        self.joined.append(visitor)
        answer = await visitor.register(name=name, email=email, organization_name=f"{name}'s own")
        assert answer.status_code == 303, answer.text
        self.owner.execute(
            "insert into organization_members (organization_id, user_id, role) select %s, id, %s from auth.users where email = %s",
            [self.shop.organization_id, role, email],
        )
        self.owner.execute('update auth.users set raw_user_meta_data = raw_user_meta_data || \'{"joins_by_invitation": "true"}\' where email = %s', [email])
        self.owner.execute("delete from organizations where created_by = (select id from auth.users where email = %s)", [email])
        await visitor.sign_in(email, PASSWORD)
        return visitor

    def becomes(self, role: str) -> None:
        """Everybody but the owner has another role from now on."""
        self.owner.execute("update organization_members set role = %s where organization_id = %s and role <> 'owner'", [role, self.shop.organization_id])


@pytest_asyncio.fixture(loop_scope="package")
async def team(shop: Shop, stage: tuple[Product, Urls]) -> AsyncIterator[Team]:
    """Who works with the shop's owner."""
    with psycopg.connect(stage[1].owner, autocommit=True) as owner:
        made = Team(shop, owner, stage[0].url)
        yield made
        for visitor in made.joined:
            await visitor.client.aclose()
