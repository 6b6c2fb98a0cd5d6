"""Secrets at rest: opened only where they were sealed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.vault import BadKey, CannotOpen, Vault

OLD, NEW = Vault.make_key("old"), Vault.make_key("new")


@given(st.text(), st.text())
def test_what_is_sealed_opens_in_its_place_and_nowhere_else(plain: str, place: str) -> None:
    vault = Vault(NEW)
    sealed = vault.seal(plain.encode("utf-8", "replace").decode(), context=place.encode("utf-8", "replace").decode())
    assert vault.open(sealed, context=place.encode("utf-8", "replace").decode()) == plain.encode("utf-8", "replace").decode()
    with pytest.raises(CannotOpen):
        vault.open(sealed, context=place.encode("utf-8", "replace").decode() + "|another row")


def test_a_new_key_seals_and_old_ones_still_open() -> None:
    sealed = Vault(OLD).seal("token", context="c")
    both = Vault(f"{NEW},{OLD}")
    assert both.open(sealed, context="c") == "token"
    assert both.seal("token", context="c").startswith("v1.new.")
    with pytest.raises(CannotOpen):
        Vault(NEW).open(sealed, context="c")


SHORT = "A" * 22 + "=="  # 16 bytes: AES-128
BARE = NEW.partition(":")[2]


@pytest.mark.parametrize("keys", ["", "k1", "k1:not base64", "k1:AAAA", f"k1:{SHORT}", BARE, f":{BARE}", f"k.1:{BARE}", f"{NEW},{NEW}"], ids=itertools.count())
def test_a_key_that_cannot_be_is_refused_and_not_repeated(keys: str) -> None:
    with pytest.raises(BadKey, match="FRONTDESK_SECRET_KEYS") as refusal:
        Vault(keys)
    assert BARE not in str(refusal.value)


@pytest.mark.parametrize("sealed", ["", "v1", "v1.k.a.b", "v2.new.AAAA.AAAA", "plain text"])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(CannotOpen):
        Vault(NEW).open(sealed, context="c")
