"""Figures, money, names and numbers, as people write them."""

from uuid import UUID

import pytest
from jinja2 import Environment
from jinja2.runtime import Context

from frontdesk.web import pages
from frontdesk.web.words import HUES, called, hue, initials, money, number, phone


@pytest.fixture
def reader() -> Context:
    return Environment().from_string("").new_context({"locale": "en_GB"})


def test_figures_are_grouped(reader: Context) -> None:
    assert number(reader, 1204800) == "1,204,800"


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [(2900, "EUR", "€29"), (2950, "EUR", "€29.50"), (99900, "EUR", "€999"), (0, "EUR", "€0"), (500, "JPY", "JP¥500")],
)
def test_money_is_told_from_minor_units(reader: Context, minor: int, currency: str, words: str) -> None:
    assert money(reader, minor, currency) == words


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Amina Okafor", "AO"),
        ("zainab.a", "ZA"),
        ("João", "JO"),
        ("", "?"),
        (None, "?"),
        ("  ", "?"),
        ("👋", "?"),
        ("+49 1511 2345678", "#"),
        ("Anna Maria von Trapp", "AT"),
        ("王伟", "王伟"),
    ],
)
def test_an_avatar_has_at_most_two_letters(name: str | None, letters: str) -> None:
    assert initials(name) == letters


def test_an_avatar_keeps_its_colour() -> None:
    assert hue(UUID(int=7)) == hue(UUID(int=7)) == hue(str(UUID(int=7)))
    assert {hue(UUID(int=n)) for n in range(200)} == set(HUES)


@pytest.mark.parametrize(
    ("digits", "written"),
    [
        ("2348035550142", "+234 803 555 0142"),
        ("15550104217", "+1 555 010 4217"),
        ("4915112345678", "+49 1511 2345678"),
        ("+4915112345678", "+49 1511 2345678"),
        ("12", "+12"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_number_is_written_with_its_country(digits: str | None, written: str) -> None:
    assert phone(digits) == written


@pytest.mark.parametrize(
    ("name", "shown"),
    [("+4915112345678", "+49 1511 2345678"), (" Amina ", "Amina"), ("+1 for tea", "+1 for tea"), ("+", "+"), ("+٤٩", "+٤٩"), (None, "")],
)
def test_a_number_that_stands_in_for_a_name_is_written_like_a_number(name: str | None, shown: str) -> None:
    assert called(name) == shown


def test_a_name_is_never_taken_for_html() -> None:
    page = pages().environment.from_string("{% import 'ui.html' as ui with context %}{{ ui.badge(name) }}{{ _('Hello %(name)s', name=name) }}")
    filled = page.render(name="<img src=x onerror=alert(1)> 100%")
    assert "<img" not in filled
    assert filled.count("100%") == 2
