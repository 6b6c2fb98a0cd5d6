"""A sentence survives one redirect, and is said once."""

import base64

from tests.web.small import browser, form
from tests.world import World


async def test_what_happened_is_said_on_the_next_page_and_only_there(world: World) -> None:
    async with browser(world) as owner:
        await owner.post("/contacts", data=form(world, name="<i>Ada</i>"))
        assert (await owner.get("/mine")).status_code == 200  # no page, so nothing is said yet
        first, second = (await owner.get("/account")).text, (await owner.get("/account")).text
    assert "Called &lt;i&gt;Ada&lt;/i&gt; now." in first
    assert "Called" not in second


async def test_a_script_goes_on_by_a_header(world: World) -> None:
    async with browser(world, **{"hx-request": "true"}) as owner:
        answer = await owner.post("/contacts", data=form(world, name="Ada"))
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"] == "/mine"


async def test_a_cookie_of_nonsense_says_nothing(world: World) -> None:
    for nonsense in (
        "%%%",
        "bm90IGpzb24=",
        base64.urlsafe_b64encode(b'{"a": 1}').decode(),
        base64.urlsafe_b64encode(b"[1, 2, 3]").decode(),
    ):
        async with browser(world) as owner:
            owner.cookies.set("flash", nonsense, domain="desk.example")
            assert (await owner.get("/account")).status_code == 200
