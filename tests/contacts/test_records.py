"""What people are called, and what they write in."""

import pytest

from frontdesk.contacts.languages import language_name
from frontdesk.contacts.records import called


@pytest.mark.parametrize(
    ("known", "name"),
    [
        (("Chen Wei", "陈伟", "chen", "8613"), "Chen Wei"),
        ((None, "陈伟", "chen", "8613"), "陈伟"),
        ((None, "  ", "chen", "8613"), "chen"),
        ((None, "", None, "8613"), "+8613"),
        ((None, "", None, None), ""),
    ],
)
def test_the_best_known_name_is_used(known: tuple[str | None, str, str | None, str | None], name: str) -> None:
    assert called(*known) == name


@pytest.mark.parametrize(("code", "name"), [("de", "German"), ("pt-BR", "Portuguese (Brazil)"), ("klingon", "klingon"), (None, None)])
def test_languages_have_names(code: str | None, name: str | None) -> None:
    assert language_name(code) == name
