"""Names and emails as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from frontdesk.users import Email, Name
from frontdesk.users.fields import email_key

NAMES, EMAILS = TypeAdapter[str](Name), TypeAdapter[str](Email)


@pytest.mark.parametrize("name", ["Maya Bello", "Ngũgĩ wa Thiong'o", "李小龍", "محمد", "O’Brien & Sons 👩‍🔧", "x", "x" * 200])
def test_real_names_are_taken_as_they_are(name: str) -> None:
    assert NAMES.validate_python(name) == name


def test_space_around_a_name_is_left_out() -> None:
    assert NAMES.validate_python("  Maya  ") == "Maya"


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "x" * 201, "a\nb", "a\tb", "a\x00b", "a\x1b[0m", "evil\u202eeman", "\ud800"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        NAMES.validate_python(name)


@given(st.text(max_size=300))
def test_whatever_passes_as_a_name_fits_the_database(text: str) -> None:
    try:
        name = NAMES.validate_python(text)
    except ValidationError:
        return
    assert 1 <= len(name) <= 200 and "\x00" not in name and name.encode("utf-8")


@pytest.mark.parametrize("email", ["maya@example.com", "MAYA@Example.COM", " maya@example.com "])
def test_one_mailbox_is_one_email_in_whatever_case(email: str) -> None:
    assert EMAILS.validate_python(email) == email_key(email) == "maya@example.com"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "maya",
        "maya@",
        "@example.com",
        "maya@example",
        "a b@example.com",
        "maya@exa mple.com",
        "x" * 260 + "@example.com",
    ],
)
def test_what_is_no_email_is_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        EMAILS.validate_python(email)


@pytest.mark.parametrize("name", ["Z" + "\u0301" * 31, "x" * 1001])
def test_accents_are_not_piled_up(name: str) -> None:
    with pytest.raises(ValidationError):
        NAMES.validate_python(name)
    with pytest.raises(ValidationError):
        EMAILS.validate_python(f"{name}@example.com")
