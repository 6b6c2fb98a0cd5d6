"""What `frontdesk doctor` says about the provider."""

import pytest

from frontdesk import doctor
from frontdesk.settings import Settings
from tests.conftest import Urls
from tests.single_sign_on.idp import CLIENT, SECRET, Idp


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, urls: Urls, settings: Settings, house: Idp) -> None:
    monkeypatch.chdir(settings.data_dir.parent)
    chosen = {"FRONTDESK_OIDC_ISSUER": house.issuer, "FRONTDESK_OIDC_CLIENT_ID": CLIENT, "FRONTDESK_OIDC_CLIENT_SECRET": SECRET}
    for name, value in {"DATABASE_URL": urls.app, "FRONTDESK_DATA_DIR": str(settings.data_dir), **chosen}.items():
        monkeypatch.setenv(name, value)


async def findings() -> list[doctor.Finding]:
    return [one for one in await doctor.examine() if one.what == "sign-in provider"]


async def test_a_provider_that_answers_is_told_with_the_address_it_must_know() -> None:
    [found] = await findings()
    assert found.well and "http://localhost:3002/login/provider/callback" in found.text and SECRET not in found.text


async def test_a_provider_that_calls_itself_otherwise_or_is_down_is_told_with_the_reason(house: Idp) -> None:
    house.described = {"issuer": house.issuer + "/"}
    [found] = await findings()
    assert not found.well and f"it calls itself '{house.issuer}/'" in found.text
    house.down = True
    [found] = await findings()
    assert not found.well and "answers 500" in found.text


async def test_half_a_provider_is_off_and_none_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_OIDC_CLIENT_SECRET", "your-client-secret")
    [found] = await findings()
    assert not found.well and found.text == "off: FRONTDESK_OIDC_CLIENT_SECRET not configured"
    monkeypatch.delenv("FRONTDESK_OIDC_ISSUER")
    assert await findings() == []
