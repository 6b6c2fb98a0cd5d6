"""Passkeys through the front door: made, named, used and removed, with a device of a few lines."""

import json
from contextlib import suppress
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontdesk.database import new_id
from frontdesk.users.passkeys import ceremonies
from frontdesk.users.passkeys.records import Site
from tests.users.browser import PHONE, Browser, hidden_fields, signed_in
from tests.users.device import BACKED_UP, ELIGIBLE, PRESENT, SEEN, Device
from tests.users.factors import STEP, code, enrol, logged, password_step, recovery_codes

pytestmark = pytest.mark.usefixtures("maya_signed_out")
Owner = psycopg.AsyncConnection[Any]
PASSKEYS = "/account/passkeys"
LOGIN, PROOF = "/login/passkey", "/account/reauthentication"


async def options(browser: Browser, path: str, page: str) -> dict[str, Any]:
    """What the browser is told at this door."""
    token = hidden_fields((await browser.get(page)).text)["csrf_token"]
    answer = await browser.post(path + "/challenge", {}, **{"x-csrf-token": token, "accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def add(browser: Browser, device: Device, name: str = "Work laptop", **how: Any) -> httpx.Response:
    made = device.create(await options(browser, PASSKEYS, PASSKEYS), **how)
    return await browser.send(PASSKEYS, page=PASSKEYS, credential=made, name=name)


async def use(browser: Browser, device: Device, path: str = LOGIN, page: str = "/login", **how: Any) -> httpx.Response:
    signed = device.sign(await options(browser, path, page), **how)
    return await browser.send(path, page=page, credential=signed)


@pytest.fixture
async def device(app: FastAPI, owner: Owner) -> Device:
    """Maya's device with a passkey for her account. She is signed in nowhere."""
    made = Device()
    async with signed_in(app) as browser:
        assert len(recovery_codes((await add(browser, made)).text)) == 10
    await owner.execute("delete from private.sessions")
    return made


async def test_a_passkey_is_made_named_and_listed(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app, agent=PHONE) as phone, signed_in(app) as browser:
        told = await options(browser, PASSKEYS, PASSKEYS)
        assert told["rp"] == {"name": "Frontdesk", "id": "localhost"} and told["attestation"] == "none"
        assert told["authenticatorSelection"]["userVerification"] == told["authenticatorSelection"]["residentKey"] == "required"
        answer = await add(browser, Device(), "مفتاح 🔑 " + "x" * 180, flags=SEEN | ELIGIBLE | BACKED_UP)
        assert len(recovery_codes(answer.text)) == 10
        page = (await browser.get(PASSKEYS)).text
        assert "مفتاح 🔑" in page and "On several devices" in page
        assert (await phone.get("/account")).status_code == 303
        second = await add(browser, Device(), "Phone")
        assert second.headers["location"] == PASSKEYS  # recovery codes are there already
    rows = await (await owner.execute("select sign_count, transports, backup_eligible, backed_up from private.passkeys order by created_at")).fetchall()
    assert rows == [(0, ["hybrid", "internal"], True, True), (0, ["hybrid", "internal"], False, False)]
    assert [action for action, _ in await logged(owner)][-2:] == ["passkey.added", "passkey.added"]


async def test_a_passkey_alone_signs_in_and_counts_as_two_factors(app: FastAPI, owner: Owner, device: Device) -> None:
    async with Browser(app) as browser:
        told = await options(browser, LOGIN, "/login")
        assert told["userVerification"] == "required" and told["allowCredentials"] == []
        answer = await use(browser, device)
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
        assert (await browser.get("/account")).status_code == 200
        assert (await browser.get(PASSKEYS)).status_code == 200
    assert (await logged(owner))[-1] == ("user.signed_in", {"by": "passkey"})
    assert await (await owner.execute("select sign_count, last_used_at is not null from private.passkeys")).fetchall() == [(1, True)]


async def test_a_passkey_is_the_second_step_after_the_password(app: FastAPI, owner: Owner, device: Device) -> None:
    async with Browser(app) as browser:
        assert await password_step(browser) == STEP
        told = await options(browser, STEP, STEP)
        assert len(told["allowCredentials"]) == 1
        assert (await use(browser, device, STEP, STEP)).status_code == 303
        assert browser.token
    assert (await logged(owner))[-1] == ("user.signed_in", {"by": "password", "second_factor": "passkey"})


async def test_a_passkey_is_a_fresh_proof(app: FastAPI, owner: Owner, device: Device) -> None:
    async with Browser(app) as browser:
        await use(browser, device)
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
        before, page = browser.token, f"{PROOF}?next={PASSKEYS}"
        assert (await browser.get(PASSKEYS)).headers["location"] == page
        assert (await use(browser, device, PROOF, page)).headers["location"] == PASSKEYS
        assert browser.token != before
    assert (await logged(owner))[-1] == ("user.reauthenticated", {"by": "passkey"})


REFUSED: dict[str, dict[str, Any]] = {
    "its device did not see the user": {"flags": PRESENT},
    "nobody touched it": {"flags": 0},
    "it was signed for another site": {"site": "evil.example"},
    "it was signed on another page": {"origin": "https://evil.example"},
    "it was signed over plain http elsewhere": {"origin": "http://localhost:3003"},
    "it was made for another purpose": {"type": "webauthn.create"},
    "it names another user": {"handle": new_id().bytes},
}


@pytest.mark.parametrize("how", REFUSED.values(), ids=REFUSED)
async def test_a_signature_is_refused_when(app: FastAPI, owner: Owner, device: Device, how: dict[str, Any]) -> None:
    async with Browser(app) as browser:
        answer = await use(browser, device, **how)
        assert answer.status_code == 422 and browser.token is None
        assert "This passkey did not prove that it is you." in answer.text
    assert (await logged(owner))[-1] == ("user.sign_in_failed", {"by": "passkey"})


async def test_a_challenge_counts_once_for_its_purpose_and_its_user_and_not_for_long(app: FastAPI, owner: Owner, device: Device) -> None:
    async with Browser(app) as browser:
        told = await options(browser, LOGIN, "/login")
        signed = device.sign(told)
        assert (await browser.send(LOGIN, page="/login", credential=signed)).status_code == 303
        async with Browser(app) as thief:
            assert (await thief.send(LOGIN, page="/login", credential=signed)).status_code == 422
            assert (await thief.send(LOGIN, page="/login", credential=device.sign(told))).status_code == 422
            await password_step(thief)
            other = device.sign(await options(thief, STEP, STEP))
            assert (await thief.send(LOGIN, page="/login", credential=other)).status_code == 422
            late = device.sign(await options(thief, LOGIN, "/login"))
            await owner.execute("update private.passkey_challenges set expires_at = now() - interval '1 second'")
            assert (await thief.send(LOGIN, page="/login", credential=late)).status_code == 422
            assert thief.token is None
            own = device.sign({"challenge": "AAAA", "rpId": "localhost"})
            assert (await thief.send(LOGIN, page="/login", credential=own)).status_code == 422


async def test_a_copy_of_a_key_is_found_by_its_counter(app: FastAPI, device: Device) -> None:
    async with Browser(app) as browser:
        await use(browser, device)
    async with Browser(app) as browser:
        assert (await use(browser, device)).status_code == 303
        copy = Device(key=device.key, credential_id=device.credential_id, user_handle=device.user_handle, count=0)
    async with Browser(app) as thief:
        assert (await use(thief, copy)).status_code == 422 and thief.token is None


async def test_another_key_signs_nothing_for_this_one(app: FastAPI, device: Device) -> None:
    async with Browser(app) as thief:
        assert (await use(thief, Device(credential_id=device.credential_id, user_handle=device.user_handle))).status_code == 422
        assert (await use(thief, Device())).status_code == 422


async def test_a_strangers_passkey_is_no_second_factor_and_no_proof(app: FastAPI, owner: Owner, device: Device) -> None:
    olgas = Device()
    async with Browser(app) as olga, Browser(app) as thief:
        await olga.register(email="olga@example.com", name="Olga", organization_name="Moretti")
        await add(olga, olgas)
        await password_step(thief)
        assert (await use(thief, olgas, STEP, STEP)).status_code == 422 and thief.token is None
        [(mayas,)] = await (await owner.execute("select p.id from private.passkeys p where credential_id = %s", (device.credential_id,))).fetchall()
        for path in (f"{PASSKEYS}/{mayas}/removal", f"{PASSKEYS}/{mayas}/name", f"{PASSKEYS}/{new_id()}/removal"):
            assert (await olga.send(path, page=PASSKEYS, name="Mine")).status_code == 404
        known = await add(olga, Device(credential_id=device.credential_id))
        assert known.status_code == 409 and "This passkey is known already" in known.text
    assert await (await owner.execute("select count(*) from private.passkeys")).fetchall() == [(2,)]


async def test_removing_it_ends_other_sessions_and_with_the_last_factor_the_recovery_codes_go(app: FastAPI, owner: Owner, device: Device) -> None:
    async with Browser(app, agent=PHONE) as phone, Browser(app) as browser:
        await use(phone, device)
        await use(browser, device)
        await enrol(browser)
        [(passkey,)] = await (await owner.execute("select id from private.passkeys")).fetchall()
        assert (await browser.send(f"{PASSKEYS}/{passkey}/name", page=PASSKEYS, name="Old laptop")).headers["location"] == PASSKEYS
        assert "Old laptop" in (await browser.get(PASSKEYS)).text
        assert (await browser.send(f"{PASSKEYS}/{passkey}/removal", page=PASSKEYS)).headers["location"] == PASSKEYS
        assert (await phone.get("/account")).status_code == 303
        [(left,)] = await (await owner.execute("select count(*) from private.recovery_codes")).fetchall()
        assert left == 10
        await browser.send("/account/authenticator/removal", page="/account/authenticator")
        [(left,)] = await (await owner.execute("select count(*) from private.recovery_codes")).fetchall()
        assert left == 0
    async with Browser(app) as browser:
        assert (await use(browser, device)).status_code == 422
        assert await password_step(browser) == "/dashboard"
    assert ("passkey.renamed", {"changed": {"name": {"from": "Work laptop", "to": "Old laptop"}}}) in await logged(owner)


async def test_a_user_has_at_most_twenty_and_asks_for_at_most_a_hundred_challenges(app: FastAPI, owner: Owner, monkeypatch: Any, device: Device) -> None:
    async with Browser(app) as browser:
        await use(browser, device)
        await owner.execute(
            "insert into private.passkeys (id, user_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name)"
            " select gen_random_uuid(), p.user_id, sha256(n::text::bytea), 'x', 0, false, false, 'x' from private.passkeys p, generate_series(1, 19) n"
        )
        assert (await add(browser, Device())).status_code == 409
        monkeypatch.setattr("frontdesk.users.passkeys.actions.PER_ADDRESS", 1)
        token = hidden_fields((await browser.get(PASSKEYS)).text)["csrf_token"]
        answer = await browser.post(f"{LOGIN}/challenge", {}, **{"x-csrf-token": token, "accept": "application/json"})
        assert answer.status_code == 429 and "Too many tries" in answer.json()["detail"]


async def test_a_user_who_may_not_sign_in_any_more_does_not_by_passkey(app: FastAPI, owner: Owner, device: Device) -> None:
    await owner.execute("update auth.users set banned_until = now() + interval '1 day'")
    async with Browser(app) as browser:
        assert (await use(browser, device)).status_code == 422


PARTS = ["id", "rawId", "type", "response", "clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle", "challenge"]
ANYTHING = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(PARTS), inner))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(), ANYTHING.map(json.dumps)))
def test_whatever_a_stranger_sends_is_refused_and_breaks_nothing(said: str) -> None:
    site, known = Site("localhost", "http://localhost:3002"), ceremonies.KnownPasskey(new_id(), new_id(), "Maya", b"x", 0)
    for check in (lambda: ceremonies.check_creation(site, b"x", said), lambda: ceremonies.check_signature(site, b"x", said, known)):
        with pytest.raises(ceremonies.PasskeyRefused):
            check()
    for find in (ceremonies.challenge_in, ceremonies.credential_id_in):
        with suppress(ceremonies.PasskeyRefused):
            assert isinstance(find(said), bytes)


@pytest.mark.parametrize("said", ["[" * 100_000, '{"id":' * 3_000, "x" * 30_000, '{"rawId": "\\ud800", "response": {"clientDataJSON": "é"}}'])
def test_neither_depth_nor_length_breaks_it(said: str) -> None:
    with pytest.raises(ceremonies.PasskeyRefused):
        ceremonies.challenge_in(said)


async def test_an_authenticator_and_a_passkey_stand_side_by_side(app: FastAPI, owner: Owner, device: Device) -> None:
    async with Browser(app) as browser:
        await use(browser, device)
        secret, codes = await enrol(browser)
        assert codes == []
        await owner.execute("update private.authenticators set last_step = 0")
    async with Browser(app) as browser:
        await password_step(browser)
        page = (await browser.get(STEP)).text
        assert "Use a passkey" in page and "Code of your authenticator app" in page
        assert (await browser.send(STEP, page=STEP, code=code(secret))).status_code == 303
