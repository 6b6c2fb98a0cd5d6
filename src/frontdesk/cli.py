"""The command line: `frontdesk serve` and everything else an operator needs."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from frontdesk import doctor as examination
from frontdesk.audit.cli import app as audit
from frontdesk.billing.cli import app as billing
from frontdesk.channels.cli import app as channels
from frontdesk.database import embedded, migrator, setup
from frontdesk.demo.cli import demo
from frontdesk.email_proofs.cli import app as users
from frontdesk.errors import FrontdeskError
from frontdesk.inbound.cli import app as deliveries
from frontdesk.mail.cli import app as mail
from frontdesk.operator.cli import app as operator
from frontdesk.sealing.cli import app as secrets
from frontdesk.settings import BadSettings, Settings
from frontdesk.usage.cli import app as usage

commands = typer.Typer(name="frontdesk", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
commands.command()(demo)
for name, group in {
    "audit": audit,
    "billing": billing,
    "channels": channels,
    "deliveries": deliveries,
    "mail": mail,
    "operator": operator,
    "secrets": secrets,
    "usage": usage,
    "users": users,
}.items():
    commands.add_typer(group, name=name)

OwnerUrl = Annotated[str | None, typer.Option("--owner-url", help="The database owner's address, instead of DATABASE_OWNER_URL.")]


def main() -> None:
    """Run the command line; what the operator can mend is one message, not a traceback."""
    try:
        commands()
    except (FrontdeskError, BadSettings) as error:
        _give_up([error])
    except BaseExceptionGroup as group:
        errors = list(_leaves(group))
        if not all(isinstance(error, FrontdeskError | BadSettings) for error in errors):
            raise
        _give_up(errors)


@commands.callback()
def frontdesk() -> None:
    """Frontdesk: a WhatsApp front desk for every organization."""


@commands.command()
def serve() -> None:
    """Run everything: web, worker and, unless DATABASE_URL is set, PostgreSQL."""
    from frontdesk.serve import run  # the web stack takes half a second, which other commands need not wait

    run(Settings.load())


@commands.command()
def web() -> None:
    """Run one web process of several, on the PostgreSQL of DATABASE_URL."""
    from frontdesk.serve import run

    run(_of_a_fleet("web"), work=False)


@commands.command()
def work() -> None:
    """Run one worker of several, on the PostgreSQL of DATABASE_URL."""
    from frontdesk.serve import run

    run(_of_a_fleet("work"), web=False)


@commands.command()
def simulator() -> None:
    """Run the simulated WhatsApp alone, at FRONTDESK_SIMULATOR_URL (development only)."""
    from frontdesk.app import run_simulator

    run_simulator(Settings.load())


@commands.command()
def migrate(
    status: Annotated[bool, typer.Option("--status", help="Show which migrations are applied, and change nothing.")] = False,
    owner_url: OwnerUrl = None,
) -> None:
    """Bring the database to this version's schema."""
    asyncio.run(_migrate(Settings.load(), owner_url, status))


@commands.command()
def doctor() -> None:
    """Examine this installation and say what is wrong with it."""
    findings = asyncio.run(examination.examine())
    table = Table("", "what", "finding", box=None)
    for finding in findings:
        table.add_row("[green]✓[/]" if finding.well else "[red]✗[/]", finding.what, finding.text)
    Console().print(table)
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


async def _migrate(settings: Settings, owner_url: str | None, only_status: bool) -> None:
    owner_url = owner_url or settings.database_owner_url
    if settings.database_url is None and owner_url is None:
        async with embedded.reached(settings) as server:
            await _migrate_at(server.owner_url, server.app_url, only_status, "the embedded database")
    elif owner_url is None:
        raise setup.CannotConnect("`frontdesk migrate` works as the owner of the database: set DATABASE_OWNER_URL, or give --owner-url.")
    else:
        await _migrate_at(owner_url, settings.database_url, only_status, "DATABASE_OWNER_URL")


async def _migrate_at(owner_url: str, app_url: str | None, only_status: bool, variable: str) -> None:
    if not only_status:
        for file in await setup.prepare(owner_url, app_url, variable):
            print(f"applied {file}")
    async with await setup.connect(owner_url, variable) as connection:
        standings = await migrator.status(connection)
    if only_status:
        for one in standings:
            print(f"{one.state:8} {one.version}_{one.name}")
    print(migrator.summary(standings))


def _of_a_fleet(command: str) -> Settings:
    settings = Settings.load()
    if settings.database_url is None:
        raise setup.CannotConnect(
            f"`frontdesk {command}` shares a PostgreSQL with other processes: set DATABASE_URL. `frontdesk serve` brings its own and runs everything."
        )
    return settings


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _give_up(errors: list[BaseException]) -> None:
    for error in errors:
        print(f"frontdesk: {error}", file=sys.stderr)
    raise SystemExit(1)
