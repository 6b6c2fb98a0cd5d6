"""What the operator sets: read once, refused clearly, never half believed."""

import pytest

from frontdesk.settings import BadSettings, Settings


def load(monkeypatch: pytest.MonkeyPatch, tmp_path: object, **variables: str) -> Settings:
    monkeypatch.chdir(str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings.load()


@pytest.mark.parametrize("value", ["sk_test_...", "change-me", "CHANGEME", "your-app-secret", "xxxxxxxx", "k1:change-me"])
def test_what_an_example_shows_counts_as_not_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: object, value: str) -> None:
    assert load(monkeypatch, tmp_path, WHATSAPP_APP_SECRET=value).whatsapp_app_secret is None


def test_the_example_database_is_not_configured_but_one_that_only_looks_alike_is(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    assert load(monkeypatch, tmp_path, DATABASE_URL="postgresql://frontdesk_app:change-me@localhost:5432/frontdesk").database_url is None
    assert load(monkeypatch, tmp_path, DATABASE_OWNER_URL="postgresql://postgres:change-me@localhost:5432/frontdesk").database_owner_url is None
    for real in ("postgresql://app:s3cret@db.your-company.example/frontdesk", "postgresql://app:xxxxyz@h/d", "postgresql://app:a...b@h/d"):
        assert load(monkeypatch, tmp_path, DATABASE_URL=real).database_url == real


@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("PORT", "70000"), ("FRONTDESK_ENV", "prod"), ("WHATSAPP_GRAPH_URL", "graph.facebook.com")])
def test_a_setting_that_cannot_be_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: object, name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        load(monkeypatch, tmp_path, **{name: value})


def test_production_refuses_sample_secrets_and_everything_simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    with pytest.raises(BadSettings, match="WHATSAPP_APP_SECRET"):
        load(monkeypatch, tmp_path, FRONTDESK_ENV="production", WHATSAPP_APP_SECRET="change-me")
    real = {"WHATSAPP_APP_SECRET": "s", "WHATSAPP_VERIFY_TOKEN": "t", "FRONTDESK_SECRET_KEYS": "k1:" + "A" * 43 + "="}
    settings = load(monkeypatch, tmp_path, FRONTDESK_ENV="production", FRONTDESK_SIMULATOR="true", **real)
    assert not settings.simulated and not settings.development
