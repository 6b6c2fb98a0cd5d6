"""What is shown when something goes wrong: plain words, a number to quote, and nothing of the machine room."""

import pytest

from tests.web.small import browser, form
from tests.world import World


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/none", 404, "There is nothing here"),
        ("/contacts/not-an-id", 404, "There is nothing here"),
        ("/large", 405, "This cannot be done here"),
        ("/broken", 500, "Something broke on our side"),
        ("/down", 503, "Back in a moment"),
    ],
)
async def test_a_browser_sees_a_page(world: World, path: str, status: int, words: str) -> None:
    async with browser(world) as owner:
        answer = await owner.get(path)
    assert answer.status_code == status
    assert words in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert "machine room" not in answer.text
    assert "10.0.0.1" not in answer.text


async def test_a_script_gets_a_toast_beside_the_page(world: World) -> None:
    async with browser(world, **{"hx-request": "true"}) as owner:
        answer = await owner.post("/contacts", data=form(world, name="taken"))
    assert answer.status_code == 409
    assert answer.headers["hx-retarget"] == "#toasts"
    assert answer.text.strip().startswith('<div class="toast-card toast-bad"')
    assert "This name is taken." in answer.text


async def test_a_program_gets_json_that_names_the_field(world: World) -> None:
    async with browser(world, accept="application/json") as owner:
        answer = await owner.post("/contacts", data=form(world, name="taken"))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "This cannot be done now",
        "status": 409,
        "detail": "This name is taken.",
        "field": "name",
        "request_id": answer.headers["x-request-id"],
    }


async def test_what_an_error_says_is_never_html(world: World) -> None:
    async with browser(world) as owner:
        answer = await owner.get("/<script>alert(1)</script>")
    assert "<script>alert" not in answer.text
