"""What an operator would check by hand: settings, WhatsApp, data folder, database."""

import shutil
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from frontdesk import sealing, secret_files
from frontdesk.database import Database, boot_check, embedded, migrator, setup
from frontdesk.errors import FrontdeskError
from frontdesk.settings import BadSettings, Settings

ENOUGH_SPACE = 1 << 30
STUCK = timedelta(minutes=15)  # mail that waits so long waits for a reason


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    well: bool
    text: str


async def examine() -> list[Finding]:
    """Everything that can be known without changing anything but starting the embedded database for a moment."""
    found = [Finding("frontdesk", True, f"{version('frontdesk')}, Python {sys.version.split()[0]}")]
    try:
        settings = Settings.load()
    except BadSettings as error:
        return [*found, Finding("settings", False, str(error))]
    found += [Finding("settings", True, f"{settings.env}, {settings.home}"), *_whatsapp(settings), *await _provider(settings)]
    if settings.database_url is None:
        found += _folder(settings.data_dir)
    return [*found, *[finding async for finding in _database(settings)]]


def _whatsapp(settings: Settings) -> list[Finding]:
    if settings.whatsapp_app_secret and settings.whatsapp_verify_token:
        return [Finding("WhatsApp", True, f"webhooks are checked; sending through {settings.whatsapp_graph_url}")]
    secrets = {"APP_SECRET": settings.whatsapp_app_secret, "VERIFY_TOKEN": settings.whatsapp_verify_token}
    missing = " and ".join(f"WHATSAPP_{name}" for name, value in secrets.items() if not value)
    return [Finding("WhatsApp", settings.simulated, f"only the simulator: {missing} not configured")]


async def _provider(settings: Settings) -> list[Finding]:
    if not settings.provider_name:
        off = Finding("sign-in provider", False, f"off: {' and '.join(settings.oidc_missing)} not configured")
        return [off] if settings.oidc_issuer else []
    from frontdesk.single_sign_on import Provider, ProviderUnavailable  # what speaks with one takes a while to load

    provider = Provider(settings)
    try:
        await provider.check()
    except ProviderUnavailable as error:
        return [Finding("sign-in provider", False, f"{settings.oidc_issuer} does not answer as it should: {error.why}")]
    finally:
        await provider.close()
    back = f"{settings.home}/login/provider/callback"
    return [Finding("sign-in provider", True, f"{settings.provider_name} answers; it must know the redirect address {back}")]


def _folder(data_dir: Path) -> list[Finding]:
    if not data_dir.exists():
        return [Finding("data folder", True, f"{data_dir.absolute()} will be made at the first start")]
    free = shutil.disk_usage(data_dir).free
    found = [Finding("data folder", free > ENOUGH_SPACE, f"{data_dir.absolute()}, {free // (1 << 20):,} MiB free")]
    secrets = data_dir / "secrets"
    open_files = [path.name for path in secrets.glob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077] if secrets.exists() else []
    if open_files:
        found.append(Finding("secrets", False, f"others may read {', '.join(open_files)} in {secrets}; run chmod 600 on them"))
    return found


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        if settings.database_url:
            yield await _server(settings.database_url)
            yield await _mail(settings, settings.database_url)
            yield await _keys(settings, settings.database_url)
            yield await _money(settings, settings.database_url)
        elif not (settings.data_dir / "postgres").exists():
            yield Finding("database", True, "embedded, made at the first start")
        else:
            async with embedded.reached(settings) as server:
                yield await _server(server.app_url)
                yield await _mail(settings, server.app_url)
                yield await _keys(settings, server.app_url)
                yield await _money(settings, server.app_url)
    except (FrontdeskError, OSError) as error:
        yield Finding("database", False, str(error))


async def _server(url: str) -> Finding:
    async with await setup.connect(url) as connection:
        await boot_check.check(connection)
        count = len(await migrator.history(connection))
        return Finding(
            "database",
            True,
            f"PostgreSQL {connection.info.parameter_status('server_version')}, {count} migrations applied",
        )


async def _mail(settings: Settings, url: str) -> Finding:
    """Whether mail leaves this installation, and what of it wants a look."""
    async with await setup.connect(url) as connection:
        rows = await connection.execute("select waiting, oldest, uncertain, failed from private.mail_state()")
        waiting, oldest, uncertain, failed = await rows.fetchone() or (0, None, 0, 0)
    told = [f"{waiting:,} waiting since {oldest:%Y-%m-%d %H:%M}"] if waiting else []
    told += [f"{number:,} {what} this week: `frontdesk mail` shows them" for number, what in ((uncertain, "uncertain"), (failed, "failed")) if number]
    if settings.smtp_url:
        late = oldest is not None and oldest < datetime.now(UTC) - STUCK
        return Finding("mail", not (uncertain or failed or late), "; ".join(["sent by SMTP_URL", *told]))
    if settings.development:
        return Finding("mail", True, f"no SMTP_URL: shown on {settings.home}/simulator/mail")
    return Finding("mail", False, "; ".join(["no SMTP_URL: nothing is sent", *told]))


async def _money(settings: Settings, url: str) -> Finding:
    """Whether plans can be sold, and whether what is paid is heard of."""
    from frontdesk import billing  # what speaks with Stripe takes a while to load

    database = await Database.open(url, min_size=1, max_size=1)
    try:
        return Finding("Stripe", *await billing.condition(settings, database))
    finally:
        await database.close()


async def _keys(settings: Settings, url: str) -> Finding:
    """Whether every key is there that a stored secret needs."""
    try:
        vault = secret_files.load(settings).vault
        database = await Database.open(url, min_size=1, max_size=1)
        try:
            await sealing.require_keys(database, vault)
        finally:
            await database.close()
    except FrontdeskError as error:
        return Finding("secret keys", False, str(error))
    return Finding("secret keys", True, f"all that is stored can be opened; {vault.names[0]} seals")
