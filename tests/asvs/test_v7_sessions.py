"""ASVS 5.0, chapter 7: what a session's token is made of, and that it ends with its user."""

import math

from tests.test_strangers import House
from tests.users.browser import Browser

LETTERS = 64  # a token's: capitals, small ones, digits, - and _


async def test_7_2_3_and_7_2_4_every_sign_in_gets_a_token_of_its_own_that_nobody_guesses(house: House) -> None:
    tokens = set[str]()
    for _ in range(5):
        async with Browser(house.built) as browser:
            await browser.sign_in(email="maya@example.com")
            tokens.add(browser.token or "")
    assert len(tokens) == 5
    assert all(len(token) * math.log2(LETTERS) >= 128 for token in tokens)
    common = [len(set(letters)) for letters in zip(*tokens, strict=True)]
    assert sum(number == 1 for number in common) <= 2  # no part of it is the same for all


async def test_7_4_2_who_is_shut_out_is_out_with_the_next_request(house: House) -> None:
    assert (await house.shop.get("/dashboard")).status_code == 200
    await house.owner.execute("update auth.users set banned_until = now() + interval '1 day' where email = 'maya@example.com'")
    for path in ("/dashboard", "/account", "/dashboard/live"):
        answer = await house.shop.get(path)
        assert answer.status_code in (303, 401) and answer.headers.get("location", "/login").startswith("/login"), path
    await house.owner.execute("update auth.users set banned_until = null, deleted_at = now() where email = 'maya@example.com'")
    assert (await house.shop.get("/dashboard")).status_code == 303
