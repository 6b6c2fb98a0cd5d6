"""Codes that change every thirty seconds, and the codes for the day the phone is lost."""

import re
from urllib.parse import unquote

import pyotp
import pytest

from frontdesk.users.factors import recovery, totp

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890", the one of RFC 6238


@pytest.mark.parametrize(("moment", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")])
def test_codes_are_those_of_the_rfc(moment: float, code: str) -> None:
    assert totp.step_of(SECRET, code, moment) == moment // 30


@pytest.mark.parametrize(("drift", "step"), [(-60, None), (-30, 39), (0, 40), (30, 41), (60, None)])
def test_a_clock_may_be_off_by_one_step_and_the_step_is_the_codes_own(drift: int, step: int | None) -> None:
    assert totp.step_of(SECRET, pyotp.TOTP(SECRET).at(1200 + drift), 1200) == step


@pytest.mark.parametrize("typed", ["287 082", " 287082\n", "٢٨٧٠٨٢", "２８７０８２"])
def test_a_code_may_be_typed_as_keyboards_write_it(typed: str) -> None:
    assert totp.step_of(SECRET, typed, 59) == 1


@pytest.mark.parametrize("typed", ["", "28708", "2870820", "28708a", "²87082", "x" * 10_000, "🙂" * 6])
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert totp.step_of(SECRET, typed, 59) is None


def test_a_secret_has_160_bits_and_no_two_are_alike() -> None:
    made = {totp.new_secret() for _ in range(50)}
    assert len(made) == 50 and all(re.fullmatch("[A-Z2-7]{32}", one) for one in made)
    assert totp.in_groups(SECRET).replace(" ", "") == SECRET and totp.in_groups(SECRET).count(" ") == 7


def test_the_qr_code_is_a_picture_without_scripts() -> None:
    picture = unquote(totp.qr_code(SECRET, "maya@example.com"))
    assert picture.startswith("data:image/svg+xml") and "<script" not in picture and "style=" not in picture


def test_ten_codes_of_fifty_bits_that_cannot_be_misread() -> None:
    codes = recovery.new_codes()
    assert len(set(codes)) == 10 and all(re.fullmatch("[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}", one) for one in codes)


async def test_a_code_is_found_however_it_is_typed_and_its_hash_is_slow_and_salted() -> None:
    salt = recovery.new_salt()
    [kept, other] = await recovery.hashes_of(["7k3v0-m2x1d", "7k3v0-m2x1e"], salt)
    assert len(kept) == 32 and kept != other
    for typed in ("7K3VO M2XLD", " 7k3v0m2xid ", "7k3v0—m2x1d"):
        assert await recovery.hashes_of([typed], salt) == [kept]
    assert await recovery.hashes_of(["7k3v0-m2x1d"], recovery.new_salt()) != [kept]
