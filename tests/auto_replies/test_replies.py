"""What a reply says: two placeholders, filled once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.auto_replies.replies import LONGEST, template, unknown_placeholder


def fill(reply: str, contact: str = "Amina", organization: str = "Lagos Glow Salon") -> str:
    return template(reply).fill(contact, organization)


@pytest.mark.parametrize(
    ("reply", "with_name", "without"),
    [
        ("Hello {{contact.name}}, how are you?", "Hello Amina, how are you?", "Hello, how are you?"),
        ("{{ contact.name }}, your slot is free.", "Amina, your slot is free.", "your slot is free."),
        ("Hi!\n{{contact.name}}: see you", "Hi!\nAmina: see you", "Hi!\nsee you"),
        ("See you, {{contact.name}}", "See you, Amina", "See you,"),
        ("From {{organization.name}}.", "From Lagos Glow Salon.", "From Lagos Glow Salon."),
        ("{{contact.name}}{{contact.name}}", "AminaAmina", ""),
        ("{not a place} 100 % {0} $x", "{not a place} 100 % {0} $x", "{not a place} 100 % {0} $x"),
    ],
)
def test_a_name_is_filled_in_or_left_out(reply: str, with_name: str, without: str) -> None:
    assert fill(reply) == with_name
    assert fill(reply, contact=" \n") == without


def test_a_value_is_never_looked_at_again() -> None:
    assert fill("Hi {{contact.name}}", contact="{{organization.name}}") == "Hi {{organization.name}}"
    assert fill("{{organization.name}}", organization="{{contact.name}}") == "{{contact.name}}"
    assert fill("Hi {{contact.name}}", contact="{% for x in y %}{{ 7*7 }}") == "Hi {% for x in y %}{{ 7*7 }}"


def test_a_name_is_one_line() -> None:
    assert fill("Hi {{contact.name}}!", contact="A\nB\t C") == "Hi A B C!"


def test_a_text_ends_where_whatsapp_ends_it() -> None:
    assert len(fill("x" * 4090 + " {{contact.name}}", contact="N" * 400)) == LONGEST


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        ("Hi {{contact.name}} of {{organization.name}}", None),
        ("{one brace}", None),
        ("Hi {{contact.phone}}", "{{contact.phone}}"),
        ("Hi {{}}", "{{}}"),
        ("Hi {{contact.name}", "{{contact.name}"),
        ("Hi contact.name}}", "contact.name}}"),
        ("{{config}} {{contact.name}}", "{{config}}"),
    ],
)
def test_braces_that_cannot_be_filled_are_named(reply: str, named: str | None) -> None:
    assert unknown_placeholder(reply) == named


@given(st.text("{}% contact.nameorganization", max_size=80), st.text("{}% contact.nameorganization", max_size=30))
def test_filling_puts_values_in_and_changes_nothing_else(reply: str, name: str) -> None:
    pieces = template(reply).pieces
    values = {"contact.name": " ".join(name.split()), "organization.name": "Org"}
    if values["contact.name"] and len(pieces) > 1:
        wanted = "".join(values[piece] if at % 2 else piece for at, piece in enumerate(pieces))
        assert fill(reply, name, "Org") == wanted.strip()
