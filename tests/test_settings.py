"""What the operator sets: read once, refused clearly, never half believed."""

import re
from pathlib import Path

import pytest

from frontdesk.settings import BadSettings, Settings


def load(monkeypatch: pytest.MonkeyPatch, tmp_path: object, **variables: str) -> Settings:
    monkeypatch.chdir(str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings.load()


@pytest.mark.parametrize("value", ["sk_test_...", "change-me", "CHANGEME", "your-app-secret", "xxxxxxxx", "k1:change-me", "<app secret>", "REPLACE-ME"])
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
    with pytest.raises(BadSettings, match="WHATSAPP_APP_SECRET: still holds what the example shows"):
        load(monkeypatch, tmp_path, FRONTDESK_ENV="production", WHATSAPP_APP_SECRET="change-me")
    real = {"WHATSAPP_APP_SECRET": "s", "WHATSAPP_VERIFY_TOKEN": "t", "FRONTDESK_SECRET_KEYS": "k1:" + "A" * 43 + "="}
    settings = load(monkeypatch, tmp_path, FRONTDESK_ENV="production", FRONTDESK_SIMULATOR="true", **real)
    assert not settings.simulated and not settings.development
    sample = "postgresql://frontdesk_app:change-me@localhost:5432/frontdesk"
    with pytest.raises(BadSettings, match=r"^DATABASE_URL: still holds") as refusal:  # and does not serve from another database in silence
        load(monkeypatch, tmp_path, FRONTDESK_ENV="production", DATABASE_URL=sample, **real)
    assert "change-me" not in str(refusal.value)


@pytest.mark.parametrize("missing", ["WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN", "FRONTDESK_SECRET_KEYS"])
def test_production_needs_every_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: object, missing: str) -> None:
    real = {"WHATSAPP_APP_SECRET": "s", "WHATSAPP_VERIFY_TOKEN": "t", "FRONTDESK_SECRET_KEYS": "k1:" + "A" * 43 + "="}
    with pytest.raises(BadSettings, match=f"FRONTDESK_ENV=production needs a real {missing}"):
        load(monkeypatch, tmp_path, FRONTDESK_ENV="production", **real | {missing: ""})


def test_both_files_are_read_the_local_one_last_and_the_environment_above_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=4001\nHOST=127.0.0.2\nWHATSAPP_APP_SECRET=sk_test_...\nFRONTDESK_OPERATOR_CONTACT=Zoë\n")
    (tmp_path / ".env.local").write_text("PORT=4002\nHOST=127.0.0.3\n")
    settings = load(monkeypatch, tmp_path, PORT="4003")
    assert (settings.port, settings.host, settings.whatsapp_app_secret, settings.operator_contact) == (4003, "127.0.0.3", None, "Zoë")


def test_a_file_that_is_no_text_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\n")
    with pytest.raises(BadSettings, match=r"\.env or \.env\.local cannot be read: it is not UTF-8 text"):
        load(monkeypatch, tmp_path)


@pytest.mark.parametrize(("content", "why"), [(None, "cannot be read: No such file"), ("hello", "holds no certificates in PEM form")])
def test_an_authority_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, why: str) -> None:
    if content is not None:
        (tmp_path / "authority.pem").write_text(content)
    with pytest.raises(BadSettings, match=f"WHATSAPP_GRAPH_AUTHORITY: {why}"):
        load(monkeypatch, tmp_path, WHATSAPP_GRAPH_AUTHORITY=str(tmp_path / "authority.pem"))


def test_the_example_file_sets_nothing_and_names_every_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    example = (Path(__file__).parents[1] / ".env.example").read_text()
    filled_in = re.sub(r"^#([A-Z])", r"\1", example, flags=re.MULTILINE)
    (tmp_path / ".env").write_text(re.sub(r"^WHATSAPP_GRAPH_AUTHORITY=.*$", "", filled_in, flags=re.MULTILINE))  # a file of one's own
    settings = load(monkeypatch, tmp_path)
    assert settings.database_url is None and settings.database_owner_url is None and settings.secret_keys is None
    assert settings.whatsapp_app_secret is None and settings.whatsapp_verify_token is None
    names = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert {name for name in names if f"\n#{name}=" not in example} == set()


OIDC = {"FRONTDESK_OIDC_ISSUER": "https://sso.example.com/", "FRONTDESK_OIDC_CLIENT_ID": "frontdesk", "FRONTDESK_OIDC_CLIENT_SECRET": "s"}


def test_a_provider_is_on_when_everything_is_there_and_called_by_its_host_without_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load(monkeypatch, tmp_path, **OIDC)
    assert (settings.oidc_issuer, settings.provider_name, settings.oidc_missing) == ("https://sso.example.com/", "sso.example.com", ())
    assert load(monkeypatch, tmp_path, **OIDC, FRONTDESK_OIDC_NAME="Example").provider_name == "Example"
    assert load(monkeypatch, tmp_path, **OIDC | {"FRONTDESK_OIDC_CLIENT_SECRET": "your-client-secret"}).provider_name == ""


def test_half_a_provider_is_refused_in_production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = {"WHATSAPP_APP_SECRET": "s", "WHATSAPP_VERIFY_TOKEN": "t", "FRONTDESK_SECRET_KEYS": "k1:" + "A" * 43 + "="}
    with pytest.raises(BadSettings, match="needs FRONTDESK_OIDC_CLIENT_SECRET as well"):
        load(monkeypatch, tmp_path, FRONTDESK_ENV="production", **real, **OIDC | {"FRONTDESK_OIDC_CLIENT_SECRET": ""})


@pytest.mark.parametrize("issuer", ["sso.example.com", "http://sso.example.com", "https://a:b@sso.example.com", "https://sso.example.com?x=1", "https://"])
def test_an_issuer_is_an_https_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, issuer: str) -> None:
    with pytest.raises(BadSettings, match="FRONTDESK_OIDC_ISSUER: must be the provider's https address"):
        load(monkeypatch, tmp_path, **OIDC | {"FRONTDESK_OIDC_ISSUER": issuer})


def test_in_development_a_provider_on_this_machine_may_speak_plain_http(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load(monkeypatch, tmp_path, **OIDC | {"FRONTDESK_OIDC_ISSUER": "http://127.0.0.1:8080/realms/x"}).provider_name == "127.0.0.1"


@pytest.mark.parametrize(
    ("variables", "home"),
    [
        ({}, "http://localhost:3002"),
        ({"HOST": "0.0.0.0", "PORT": "80"}, "http://localhost:80"),
        ({"HOST": "::"}, "http://localhost:3002"),
        ({"HOST": "10.0.0.7"}, "http://10.0.0.7:3002"),
        ({"FRONTDESK_PUBLIC_URL": "https://desk.example/"}, "https://desk.example"),
    ],
)
def test_people_are_sent_to_a_name_on_their_own_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, variables: dict[str, str], home: str
) -> None:  # fmt: skip
    assert load(monkeypatch, tmp_path, **variables).home == home


def test_without_a_key_of_stripes_development_has_a_simulated_one_and_production_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load(monkeypatch, tmp_path, STRIPE_SECRET_KEY="sk_test_...").stripe_simulated
    assert load(monkeypatch, tmp_path, STRIPE_SECRET_KEY="sk_test_simulator_mine").stripe_simulated
    assert not load(monkeypatch, tmp_path, STRIPE_SECRET_KEY="sk_test_of_an_account").stripe_simulated
    assert not load(monkeypatch, tmp_path, STRIPE_SECRET_KEY="", FRONTDESK_SIMULATOR="false").stripe_simulated
    real = {"WHATSAPP_APP_SECRET": "s", "WHATSAPP_VERIFY_TOKEN": "t", "FRONTDESK_SECRET_KEYS": "k1:" + "A" * 43 + "="}
    assert not load(monkeypatch, tmp_path, FRONTDESK_ENV="production", **real).stripe_simulated


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"STRIPE_SECRET_KEY": "pk_live_public"}, "STRIPE_SECRET_KEY: must be a secret or restricted key"),
        ({"STRIPE_SECRET_KEY": "sk_test_simulator"}, "STRIPE_SECRET_KEY: is a key of the simulated Stripe"),
        ({"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_..."}, "STRIPE_WEBHOOK_SECRET: still holds what the example shows"),
        ({"STRIPE_TAX_CODE": "books"}, "STRIPE_TAX_CODE"),
        ({"FRONTDESK_OVERAGE_BILLING": "prepaid"}, "FRONTDESK_OVERAGE_BILLING=prepaid needs a STRIPE_SECRET_KEY"),
        ({"FRONTDESK_OVERAGE_BILLING": "barter"}, "FRONTDESK_OVERAGE_BILLING"),
        ({"FRONTDESK_CREDIT_PACKS": "ten"}, "FRONTDESK_CREDIT_PACKS"),
        ({"FRONTDESK_CREDIT_PACKS": "50"}, "FRONTDESK_CREDIT_PACKS: must be sizes in cents"),
        ({"FRONTDESK_CREDIT_PACKS": "1000,1000"}, "FRONTDESK_CREDIT_PACKS: must be sizes in cents"),
    ],
)
def test_what_cannot_sell_in_production_is_refused_and_told_without_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], why: str
) -> None:
    real = {"WHATSAPP_APP_SECRET": "s", "WHATSAPP_VERIFY_TOKEN": "t", "FRONTDESK_SECRET_KEYS": "k1:" + "A" * 43 + "="}
    with pytest.raises(BadSettings, match=why) as refusal:
        load(monkeypatch, tmp_path, FRONTDESK_ENV="production", **real, **variables)
    assert "pk_live_public" not in str(refusal.value)


def test_while_a_webhook_secret_is_rotated_there_are_two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load(monkeypatch, tmp_path, STRIPE_WEBHOOK_SECRET=" whsec_new , whsec_old,").stripe_webhook_secrets == ("whsec_new", "whsec_old")
    assert load(monkeypatch, tmp_path, STRIPE_WEBHOOK_SECRET=" ").stripe_webhook_secrets == ()
