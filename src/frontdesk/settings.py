"""What the operator decides: read from the environment, `.env` and `.env.local`."""

import re
import ssl
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# what examples show in place of a value, alone or as the password or key after a colon
PLACEHOLDER = re.compile(r"^(.*:)?(change-?me|replace-?me|<[^<>]+>|your-[a-z-]+|placeholder|x{4,}|[^@]*\.\.\.)(@.*)?$", re.IGNORECASE)

SIMULATED_STRIPE = "sk_test_simulator"  # how keys of the simulated Stripe begin
LEAST_PACK = 100  # minor units: below that a payment costs more than it brings
OIDC = ("oidc_issuer", "oidc_client_id", "oidc_client_secret")  # what a provider of OpenID Connect takes


class BadSettings(Exception):
    """A setting is not usable; the message names it and says what would be."""


class Settings(BaseSettings):
    """The installation's settings. Durations in seconds, sizes in bytes unless a name says otherwise."""

    model_config = SettingsConfigDict(env_file=(".env", ".env.local"), extra="ignore", env_ignore_empty=True)

    env: Literal["development", "production"] = Field("development", validation_alias="FRONTDESK_ENV")
    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: int = Field(3002, validation_alias="PORT", ge=1, le=65535)
    data_dir: Path = Field(Path("data"), validation_alias="FRONTDESK_DATA_DIR")
    public_url: str | None = Field(None, validation_alias="FRONTDESK_PUBLIC_URL")
    operator_contact: str | None = Field(None, validation_alias="FRONTDESK_OPERATOR_CONTACT")

    database_url: str | None = Field(None, validation_alias="DATABASE_URL")
    database_owner_url: str | None = Field(None, validation_alias="DATABASE_OWNER_URL")
    pg_bin_dir: Path | None = Field(None, validation_alias="PG_BIN_DIR")
    database_connections: int = Field(12, validation_alias="FRONTDESK_DATABASE_CONNECTIONS", ge=4, le=200)

    secret_keys: str | None = Field(None, validation_alias="FRONTDESK_SECRET_KEYS")
    whatsapp_graph_url: str = Field("https://graph.facebook.com", validation_alias="WHATSAPP_GRAPH_URL")
    whatsapp_graph_version: str = Field("v26.0", validation_alias="WHATSAPP_GRAPH_VERSION", pattern=r"^v\d+\.\d+$")
    whatsapp_graph_authority: Path | None = Field(None, validation_alias="WHATSAPP_GRAPH_AUTHORITY")
    whatsapp_app_secret: str | None = Field(None, validation_alias="WHATSAPP_APP_SECRET")
    whatsapp_verify_token: str | None = Field(None, validation_alias="WHATSAPP_VERIFY_TOKEN")
    simulator: bool = Field(True, validation_alias="FRONTDESK_SIMULATOR")
    simulator_url: str | None = Field(None, validation_alias="FRONTDESK_SIMULATOR_URL")
    automatic_answers_per_minute: int = Field(6, validation_alias="FRONTDESK_AUTOMATIC_ANSWERS_PER_MINUTE", ge=1)

    stripe_secret_key: str | None = Field(None, validation_alias="STRIPE_SECRET_KEY")
    stripe_webhook_secret: str | None = Field(None, validation_alias="STRIPE_WEBHOOK_SECRET")
    stripe_automatic_tax: bool = Field(False, validation_alias="STRIPE_AUTOMATIC_TAX")
    stripe_tax_code: str = Field("txcd_10103001", validation_alias="STRIPE_TAX_CODE", pattern=r"^txcd_\d{8}$")
    stripe_vat_ids: bool = Field(True, validation_alias="STRIPE_VAT_IDS")
    stripe_promotion_codes: bool = Field(True, validation_alias="STRIPE_PROMOTION_CODES")
    overage_billing: Literal["invoice_items", "meters", "prepaid"] = Field("invoice_items", validation_alias="FRONTDESK_OVERAGE_BILLING")
    credit_packs: str = Field("1000,5000,20000", validation_alias="FRONTDESK_CREDIT_PACKS", pattern=r"^\d{2,8}(,\d{2,8}){0,5}$")

    smtp_url: str | None = Field(None, validation_alias="SMTP_URL")
    mail_from: str | None = Field(None, validation_alias="MAIL_FROM")
    audit_key: str | None = Field(None, validation_alias="FRONTDESK_AUDIT_KEY")
    oidc_issuer: str | None = Field(None, validation_alias="FRONTDESK_OIDC_ISSUER")
    oidc_client_id: str | None = Field(None, validation_alias="FRONTDESK_OIDC_CLIENT_ID")
    oidc_client_secret: str | None = Field(None, validation_alias="FRONTDESK_OIDC_CLIENT_SECRET")
    oidc_name: str | None = Field(None, validation_alias="FRONTDESK_OIDC_NAME", max_length=60)
    delete_canceled_after_days: int | None = Field(None, validation_alias="FRONTDESK_DELETE_CANCELED_AFTER_DAYS", ge=90, le=3650)
    api_calls_per_minute: int = Field(600, validation_alias="FRONTDESK_API_CALLS_PER_MINUTE", ge=1, le=10_000_000)
    api_failures_per_minute: int = Field(30, validation_alias="FRONTDESK_API_FAILURES_PER_MINUTE", ge=1, le=10_000_000)

    @classmethod
    def load(cls) -> Self:
        """Read the settings. Raises BadSettings naming the variable at fault."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name, message = "".join(map(str, first["loc"][:1])), first["msg"].removeprefix("Value error, ")
            if name and not any(secret in name for secret in ("SECRET", "TOKEN", "DATABASE_", "SMTP_URL", "AUDIT_KEY")):
                message += f" (got {first['input']!r})"
            raise BadSettings(f"{name}: {message}" if name else message) from None
        except (UnicodeDecodeError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise BadSettings(f".env or .env.local cannot be read: {why}.") from None

    @field_validator(
        "whatsapp_app_secret", "whatsapp_verify_token", "secret_keys", "audit_key", "database_url", "database_owner_url", "smtp_url",
        "oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_name", "stripe_secret_key", "stripe_webhook_secret", mode="after",
    )  # fmt: skip
    @classmethod
    def placeholder_is_nothing(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Treat what `.env.example` shows, such as `sk_test_...`, as not configured; in production somebody forgot to fill it in."""
        if value is None or not PLACEHOLDER.match(value.strip()):
            return value and value.strip()
        if info.data.get("env") == "production":
            raise ValueError("still holds what the example shows; FRONTDESK_ENV=production needs a real one, or none")
        return None

    @field_validator("whatsapp_graph_url", "public_url", "simulator_url", mode="after")
    @classmethod
    def plain_address(cls, value: str | None) -> str | None:
        """Accept http and https addresses only, without a trailing slash."""
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
            raise ValueError("must be an address such as https://example.com")
        return value.rstrip("/") if value else value

    @field_validator("smtp_url", mode="after")
    @classmethod
    def mail_server(cls, value: str | None) -> str | None:
        """Accept smtp:// and smtps:// only, and no password over a line that others can read."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("must be an address such as smtps://user:password@mail.example.com or smtp://mail.example.com:587?starttls")
        readable = parts.scheme == "smtp" and "starttls" not in parts.query
        if parts.password and readable and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("sends its password in clear: use smtps://, or add ?starttls")
        return value

    @field_validator("mail_from", mode="after")
    @classmethod
    def sender(cls, value: str | None) -> str | None:
        """Accept an address, with or without a name before it."""
        if value is not None:
            try:
                validate_email(parseaddr(value)[1], check_deliverability=False, test_environment=True)
            except EmailNotValidError:
                raise ValueError("must be an address such as Frontdesk <no-reply@example.com>") from None
        return value

    @model_validator(mode="after")
    def mail_has_a_sender(self) -> Self:
        """Refuse to send mail from nobody."""
        if self.smtp_url and not self.mail_from:
            raise ValueError("SMTP_URL needs a MAIL_FROM, such as Frontdesk <no-reply@example.com>")
        return self

    @field_validator("oidc_issuer", mode="after")
    @classmethod
    def issuer_over_tls(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Accept an https address as it is written, to its last slash; in development a provider on this machine may speak http."""
        parts = urlsplit(value or "")
        nearby = info.data.get("env") == "development" and parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if value and (not (parts.scheme == "https" or nearby) or not parts.hostname or parts.query or parts.fragment or parts.username):
            raise ValueError("must be the provider's https address, such as https://accounts.google.com")
        return value

    @field_validator("stripe_secret_key", mode="after")
    @classmethod
    def secret_half(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Accept a secret or restricted key of Stripe only; the simulated one has no place in production."""
        if value is not None and not value.startswith(("sk_", "rk_")):
            raise ValueError("must be a secret or restricted key, which begins with sk_ or rk_")
        if value is not None and value.startswith(SIMULATED_STRIPE) and info.data.get("env") == "production":
            raise ValueError("is a key of the simulated Stripe, which exists in development only")
        return value

    @field_validator("credit_packs", mode="after")
    @classmethod
    def packs_are_worth_it(cls, value: str) -> str:
        """Accept what cards can pay, each size once."""
        sizes = [int(one) for one in value.split(",")]
        if min(sizes) < LEAST_PACK or len(set(sizes)) < len(sizes):
            raise ValueError(f"must be sizes in cents such as 1000,5000,20000: each once, none below {LEAST_PACK}")
        return value

    @field_validator("whatsapp_graph_authority", mode="after")
    @classmethod
    def certificates(cls, value: Path | None) -> Path | None:
        """Accept a readable file of certificates only."""
        try:
            if value is not None:
                ssl.create_default_context(cafile=value)
        except ssl.SSLError:
            raise ValueError("holds no certificates in PEM form") from None
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from None
        return value

    @model_validator(mode="after")
    def production_is_complete(self) -> Self:
        """Refuse to run in production on sample secrets or without a secret of our own."""
        if self.env != "production":
            return self
        for name, value in (("WHATSAPP_APP_SECRET", self.whatsapp_app_secret), ("FRONTDESK_SECRET_KEYS", self.secret_keys),
                            ("WHATSAPP_VERIFY_TOKEN", self.whatsapp_verify_token)):  # fmt: skip
            if not value:
                raise ValueError(f"FRONTDESK_ENV=production needs a real {name}")
        if self.overage_billing != "invoice_items" and not self.stripe_secret_key:
            raise ValueError(f"FRONTDESK_OVERAGE_BILLING={self.overage_billing} needs a STRIPE_SECRET_KEY")
        if self.oidc_missing and len(self.oidc_missing) < len(OIDC):
            raise ValueError(f"sign-in through a provider needs {' and '.join(self.oidc_missing)} as well")
        return self

    @property
    def oidc_missing(self) -> tuple[str, ...]:
        """Which settings still keep sign-in through a provider off; none when it is on."""
        return tuple(f"FRONTDESK_{name.upper()}" for name in OIDC if not getattr(self, name))

    @property
    def provider_name(self) -> str:
        """What the provider through which users may sign in is called; nothing when there is none."""
        return "" if self.oidc_missing else self.oidc_name or urlsplit(self.oidc_issuer or "").hostname or ""

    @property
    def development(self) -> bool:
        """Whether sample data, simulated numbers and plain http are acceptable."""
        return self.env == "development"

    @property
    def simulated(self) -> bool:
        """Whether the simulator answers for sandbox numbers."""
        return self.development and self.simulator

    @property
    def stripe_simulated(self) -> bool:
        """Whether the simulated Stripe takes the money: without a key of a real account, or with one of its own."""
        return self.simulated and (self.stripe_secret_key or SIMULATED_STRIPE).startswith(SIMULATED_STRIPE)

    @property
    def packs(self) -> tuple[int, ...]:
        """What credit is sold in, in minor units, from the smallest."""
        return tuple(sorted(int(one) for one in self.credit_packs.split(",")))

    @property
    def stripe_webhook_secrets(self) -> tuple[str, ...]:
        """What Stripe's events may be signed with: two while the secret is rotated, parted by a comma."""
        return tuple(one.strip() for one in (self.stripe_webhook_secret or "").split(",") if one.strip())

    @property
    def mailbox(self) -> bool:
        """Whether mail is shown at /simulator/mail instead of sent."""
        return self.development and not self.smtp_url

    @property
    def home(self) -> str:
        """Where people find Frontdesk. On one's own machine that is the name localhost, where passkeys work: they belong to names, never to numbers."""
        nearby = self.base_url.replace("//127.0.0.1:", "//localhost:").replace("//[::1]:", "//localhost:")
        return self.public_url or nearby

    @property
    def base_url(self) -> str:
        """Where this process is reached from its own machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else "[::1]" if self.host == "::" else self.host
        return f"http://{host}:{self.port}"
