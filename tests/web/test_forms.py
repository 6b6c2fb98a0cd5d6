"""What was typed is never lost, and what is wrong stands beside it."""

from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, EmailStr, Field
from starlette.requests import Request

from frontdesk.errors import BadInput
from frontdesk.web import Form, read_form
from tests.web.small import browser, form
from tests.world import World


class Everything(BaseModel):
    """One field of each kind."""

    name: str = Field(min_length=1, max_length=400)
    email: EmailStr = "a@example.com"
    tries: int = Field(1, ge=1, le=5)
    kind: Literal["one", "two"] = "one"
    who: UUID | None = None
    tags: list[str] = []
    note: str = Field("", min_length=0)


async def sent(body: str) -> Form[Everything]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
        "query_string": b"",
        "path": "/",
    }
    return await read_form(Request(scope, receive), Everything)


async def test_a_good_form_becomes_its_record() -> None:
    form = await sent("name=Ada&tries=3&kind=two&tags=a&tags=b")
    assert form.errors == {}
    assert form.data == Everything(name="Ada", tries=3, kind="two", tags=["a", "b"])
    assert form.all("tags") == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ("", "name", "Fill this in."),
        ("name=", "name", "Fill this in."),
        ("name=" + "x" * 10_000, "name", "Use at most 400 characters. This has 10,000."),
        ("name=a&email=nonsense", "email", "This is not an email address."),
        ("name=a&tries=many", "tries", "Use a whole number."),
        ("name=a&tries=9", "tries", "Use 5 or less."),
        ("name=a&tries=0", "tries", "Use 1 or more."),
        ("name=a&kind=three", "kind", "Choose one of the list."),
        ("name=a&who=me", "who", "This does not exist any more. Load the page again."),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(body: str, field: str, words: str) -> None:
    form = await sent(body)
    assert form.data is None
    assert form.error(field) == words


async def test_what_was_typed_stays() -> None:
    form = await sent("name=&email=nonsense&note=a+long%0D%0Astory")
    assert form.value("email") == "nonsense"
    assert form.value("note") == "a long\nstory"


async def test_characters_that_no_database_keeps_are_dropped() -> None:
    form = await sent("name=A%00da&note=%ff%fe")
    assert form.data is not None
    assert form.data.name == "Ada"
    form.data.note.encode()  # invalid UTF-8 became the replacement character


async def test_what_the_domain_refuses_stands_beside_its_field() -> None:
    form = await sent("name=Ada")
    form.refuse(BadInput("This name is taken.", field="name"))
    form.refuse(BadInput("Nothing goes today."))
    assert form.error("name") == "This name is taken."
    assert form.error() == "Nothing goes today."
    assert form.data is None


async def test_a_refused_form_comes_back_as_it_was_typed(world: World) -> None:
    async with browser(world) as owner:
        answer = await owner.post("/contacts", data=form(world, name="<b>" + "x" * 30))
    assert answer.status_code == 422
    assert 'value="&lt;b&gt;' + "x" * 30 in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "Use at most 20 characters. This has 33." in answer.text


async def test_a_password_is_never_written_back(world: World) -> None:
    from frontdesk.web import pages

    macro = pages().environment.from_string("{% import 'ui.html' as ui with context %}{{ ui.field(form, 'password', 'Password', 'password') }}")
    assert "hunter2" not in macro.render(form=Form({"password": "hunter2"}, {"password": "Use at least 10 characters."}))
