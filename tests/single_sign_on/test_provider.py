"""What the provider says is believed only if a key of its own signed it, for us, now, and for this visit."""

import base64
import hmac
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from frontdesk.settings import Settings
from frontdesk.single_sign_on.discovery import ProviderUnavailable
from frontdesk.single_sign_on.provider import Proof, Provider
from frontdesk.single_sign_on.records import Claims
from frontdesk.single_sign_on.tokens import NotVouchedFor
from tests.single_sign_on.idp import CLIENT, KEYS, SECRET, Idp

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def provider(house: Idp) -> AsyncIterator[Provider]:
    """Ours, which knows it."""
    made = Provider(configured(house.issuer))
    yield made
    await made.close()


def configured(issuer: str, **more: Any) -> Settings:
    return Settings(_env_file=None, FRONTDESK_OIDC_ISSUER=issuer, FRONTDESK_OIDC_CLIENT_ID=CLIENT, FRONTDESK_OIDC_CLIENT_SECRET=SECRET, **more)


async def visit(provider: Provider, said_issuer: str | None = None, redeem_with: Proof | None = None) -> Claims:
    """There and back."""
    proof = Proof.make()
    async with aiohttp.ClientSession() as browser, browser.get(await provider.address_for(proof), allow_redirects=False) as answer:
        back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["state"] == [proof.state]
    return await provider.claims_of(back["code"][0], redeem_with or proof, said_issuer)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_token_of_the_provider_is_believed(house: Idp, provider: Provider, algorithm: str) -> None:
    house.algorithm = algorithm
    assert await visit(provider) == Claims(house.issuer, "248289761001", "maya@example.com", True, "Maya Bello")


def part(said: object) -> str:
    return base64.urlsafe_b64encode(said if isinstance(said, bytes) else orjson.dumps(said)).decode().rstrip("=")


def unsigned(claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'none', 'kid': 'rsa'})}.{part(claims)}."


def by_the_public_key(claims: dict[str, Any]) -> str:
    """HS256, with what everybody may read as the secret."""
    signed = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(claims)}"
    return f"{signed}.{part(hmac.digest(KEYS['RS256'].as_pem(private=False), signed.encode(), 'sha256'))}"


def by_a_key_of_ones_own(**header: Any) -> Callable[[dict[str, Any]], str]:
    foreign = RSAKey.generate_key(2048)
    brought = {name: foreign.as_dict(private=False) if value == "the key" else value for name, value in header.items()}
    return lambda claims: jwt.encode({"alg": "RS256"} | brought, claims, foreign)


@pytest.mark.parametrize(
    "sign",
    [
        unsigned, by_the_public_key, by_a_key_of_ones_own(kid="rsa"), by_a_key_of_ones_own(kid="mine"), by_a_key_of_ones_own(),
        by_a_key_of_ones_own(kid="mine", jku="https://evil.example/keys"), by_a_key_of_ones_own(kid="rsa", jwk="the key"),
        by_a_key_of_ones_own(kid="rsa", x5u="https://evil.example/certificate"),
        lambda claims: jwt.encode({"alg": "ES256", "kid": "rsa"}, claims, ECKey.generate_key("P-256")),
        lambda claims: "no.token.atall", lambda claims: "", lambda claims: "x" * 40_000, lambda claims: {"not": "a token"}, lambda claims: None,
    ],
)  # fmt: skip
async def test_asvs_9_1_2_a_token_that_no_key_of_the_provider_signed_is_worth_nothing(house: Idp, provider: Provider, sign: Any) -> None:
    house.sign = sign
    with pytest.raises(NotVouchedFor):
        await visit(provider)
    assert house.asked.count("/keys") <= 1  # and nobody was asked for keys but the provider, once


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "another visit's"}, {"nonce": None}, {"aud": "another client"}, {"aud": []}, {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"}, {"azp": "another"}, {"aud": None},
        {"iss": "https://evil.example"}, {"iss": None}, {"sub": ""}, {"sub": None}, {"sub": 7}, {"sub": "x" * 256},
        {"exp": -MINUTE * 2}, {"exp": None}, {"exp": "never"}, {"iat": MINUTE * 10}, {"iat": -MINUTE * 60}, {"iat": None},
        {"nbf": MINUTE * 10}, {"at_hash": "another token's"},
    ],
)  # fmt: skip
async def test_asvs_9_2_3_a_token_for_somebody_else_or_another_time_is_worth_nothing(house: Idp, provider: Provider, changed: dict[str, Any]) -> None:
    moments = {name: int(time.time() + value.total_seconds()) for name, value in changed.items() if isinstance(value, timedelta)}  # as of now
    house.claims = lambda said: {name: value for name, value in (said | changed | moments).items() if value is not None}
    with pytest.raises(NotVouchedFor):
        await visit(provider)


async def test_an_issuer_is_the_same_to_the_last_letter(house: Idp, provider: Provider) -> None:
    house.claims = lambda said: said | {"iss": house.issuer + "/"}
    with pytest.raises(NotVouchedFor):
        await visit(provider)
    house.described = {"issuer": house.issuer + "/"}
    other = Provider(configured(house.issuer))
    with pytest.raises(ProviderUnavailable):
        await other.address_for(Proof.make())
    await other.close()


async def test_an_answer_that_names_another_issuer_is_refused_before_its_code_is_used(house: Idp, provider: Provider) -> None:
    with pytest.raises(NotVouchedFor):
        await visit(provider, said_issuer="https://evil.example")
    assert len(house.redeemed) == 1
    assert (await visit(provider, said_issuer=house.issuer)).subject == "248289761001"


async def test_a_provider_that_always_names_itself_must_do_so(house: Idp, provider: Provider) -> None:
    house.described = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(NotVouchedFor):
        await visit(provider)


async def test_a_code_is_worth_nothing_without_the_half_that_the_browser_kept(house: Idp, provider: Provider) -> None:
    with pytest.raises(NotVouchedFor):
        await visit(provider, redeem_with=Proof.make())


async def test_a_provider_that_wants_the_secret_in_the_body_gets_it_there(house: Idp, provider: Provider) -> None:
    house.described, house.method = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}, "post"
    assert (await visit(provider)).subject == "248289761001"


async def test_an_email_that_the_token_lacks_is_asked_for(house: Idp, provider: Provider) -> None:
    house.person = {"sub": "s"}
    house.userinfo = {"sub": "s", "email": "maya@example.com", "email_verified": False, "name": "Maya"}
    assert await visit(provider) == Claims(house.issuer, "s", "maya@example.com", False, "Maya")
    house.userinfo["sub"] = "somebody else"
    with pytest.raises(NotVouchedFor):
        await visit(provider)


async def test_keys_are_remembered_and_a_new_one_is_found(house: Idp, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    new = RSAKey.generate_key(2048, {"kid": "new"})
    await visit(provider)
    await visit(provider)
    assert house.asked == ["/.well-known/openid-configuration", "/keys"]
    house.keys, house.sign = [*house.keys, new], lambda claims: jwt.encode({"alg": "RS256", "kid": "new"}, claims, new)
    with pytest.raises(NotVouchedFor):
        await visit(provider)  # asked a moment ago: not again for every name that somebody invents
    assert house.asked.count("/keys") == 1
    monkeypatch.setattr("frontdesk.single_sign_on.discovery.AGAIN", 0.0)
    assert (await visit(provider)).subject == "248289761001"
    assert house.asked.count("/keys") == 2


@pytest.mark.parametrize("key", [
    {"kty": "oct", "kid": "rsa", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
    {"kty": "RSA", "kid": "rsa"}, {"kty": "RSA", "n": 7}, {}, {"kty": None},
    RSAKey.import_key(rsa.generate_private_key(65537, 1024)).as_dict(private=False) | {"kid": "rsa"},  # a short one
    KEYS["RS256"].as_dict(private=False) | {"use": "enc"},
])  # fmt: skip
async def test_a_key_that_cannot_sign_for_the_provider_is_none(house: Idp, provider: Provider, key: dict[str, Any]) -> None:
    house.keys = [key]
    with pytest.raises(NotVouchedFor):
        await visit(provider)


async def test_a_provider_that_is_down_is_said_to_be_and_found_again(house: Idp, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    house.down = True
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            await provider.address_for(Proof.make())
    assert len(house.asked) == 1
    house.down = False
    monkeypatch.setattr("frontdesk.single_sign_on.discovery.PAUSE", 0.0)
    assert (await visit(provider)).subject == "248289761001"


async def test_an_answer_that_drips_for_ever_is_not_waited_for(house: Idp, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontdesk.single_sign_on.provider.WHOLE_SECONDS", 0.3)
    house.slow = True
    with pytest.raises(ProviderUnavailable) as refused:
        await provider.check()
    assert refused.value.why.startswith("TimeoutError")
