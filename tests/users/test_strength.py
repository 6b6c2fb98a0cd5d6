"""Which passwords are refused."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.users import weakness
from frontdesk.users.strength import LISTS


@pytest.mark.parametrize(
    "password",
    [
        "password123", "qwertyuiop", "1234567890", "iloveyou123", "PASSWORD1234", "Password123!", "P@ssw0rd2024!",
        "aaaaaaaaaaaa",
        "abcabcabcabc", "abcdefghijkl", "0987654321", "qwertz12345", "monkey2024!", "monkeymonkey",
        "passwordpassword", "!!!!!!!!!!",
        "１２３４５６７８９０",
    ],
)  # fmt: skip
def test_what_attackers_try_first_is_refused(password: str) -> None:
    assert (weakness(password) or "").startswith("Attackers try this password first.")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery 42",
        "quiet lamps under rivers",
        "tr0ub4dor&3-zebra",
        "żółta łódź pływa",
        "ten ten ch!",
        "k7#Qw9!zLp",
    ],
)
def test_others_pass_without_rules_about_capitals_digits_and_signs(password: str) -> None:
    assert weakness(password, ["Maya Bello", "maya@example.com"]) is None


@pytest.mark.parametrize("password", ["maya@example.com", "Maya.Bello", "mayabello99", "Lagos Glow Salon", "lagosglowsalon2024"])
def test_a_user_cannot_take_what_others_know_of_him(password: str) -> None:
    about = ["Maya Bello", "maya@example.com", "Lagos Glow Salon"]
    assert (weakness(password, about) or "").startswith("This is made of your own name or address")


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("", "Fill this in."),
        ("glow24", "Use at least 10 characters. This has 6."),
        ("x9" * 501, "Use at most 1,000 characters. This has 1,002."),
    ],
)
def test_lengths_are_told(password: str, complaint: str) -> None:
    assert weakness(password) == complaint


def test_every_listed_password_is_refused() -> None:
    listed = [line for line in (LISTS / "common_passwords.txt").read_text("utf-8").splitlines() if not line.startswith("# ")]
    assert len(listed) > 2_500
    assert [password for password in listed if weakness(password) is None] == []


@given(st.text(alphabet=string.ascii_lowercase + string.digits + " ", min_size=64, max_size=1000), st.text())
def test_any_text_gets_a_verdict_and_a_long_one_of_many_letters_passes(password: str, about: str) -> None:
    verdict = weakness(password, [about])
    assert verdict is None or verdict.endswith(".")


@given(st.text(max_size=1200))
def test_no_text_whatsoever_breaks_the_check(password: str) -> None:
    assert weakness(password, [password[:5], "Maya"]) != ""
