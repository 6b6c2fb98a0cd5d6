"""Only Meta, who knows the app secret, can deliver a webhook; only who knows the verify token can set one up."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.channels.cloud_api import answer_handshake, signed

BODY = '{"entry":[{"id":"1"}],"text":"Grüße"}'.encode()


def signature(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


def test_a_body_signed_with_the_app_secret_is_accepted() -> None:
    assert signed(BODY, signature(BODY, "secret"), ["secret"])


def test_any_of_several_secrets_will_do() -> None:
    assert signed(BODY, signature(BODY, "second"), ["first", "second", ""])


def test_the_signature_is_over_the_raw_bytes() -> None:
    assert not signed(BODY + b" ", signature(BODY, "secret"), ["secret"])


@pytest.mark.parametrize("header", [None, "", "sha256=", "sha256=00", "sha1=" + "0" * 40, "sha256=ü", "sha256=\ud800", "é" * 71])
def test_a_missing_or_mangled_header_is_refused(header: str | None) -> None:
    assert not signed(BODY, header, ["secret"])


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_without_a_secret_nothing_is_ever_signed(secrets: list[str]) -> None:
    assert not signed(BODY, signature(BODY, ""), secrets)


@given(st.binary(), st.text(min_size=1), st.text(min_size=1))
def test_only_the_right_secret_fits(body: bytes, right: str, other: str) -> None:
    right, other = right.encode("utf-8", "replace").decode(), other.encode("utf-8", "replace").decode()
    assert signed(body, signature(body, right), [right])
    same_key = hmac.new(right.encode(), b"", "sha256").digest() == hmac.new(other.encode(), b"", "sha256").digest()
    assert signed(body, signature(body, right), [other]) == same_key  # HMAC pads short keys with zero bytes


HANDSHAKE = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "token"}


def test_the_challenge_comes_back_as_it_was() -> None:
    assert answer_handshake(HANDSHAKE, "token") == "1158201444"


@pytest.mark.parametrize("missing", sorted(HANDSHAKE))
def test_an_incomplete_handshake_is_refused(missing: str) -> None:
    assert answer_handshake({name: value for name, value in HANDSHAKE.items() if name != missing}, "token") is None


@pytest.mark.parametrize("expected", [None, "", "other", "töken"])
def test_a_handshake_with_the_wrong_token_is_refused(expected: str | None) -> None:
    assert answer_handshake(HANDSHAKE, expected) is None


def test_no_token_is_no_password() -> None:
    assert answer_handshake(HANDSHAKE | {"hub.verify_token": ""}, "") is None
    assert answer_handshake(HANDSHAKE | {"hub.verify_token": ""}, None) is None
