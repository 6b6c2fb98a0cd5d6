"""`frontdesk mail`: what is owed, what went wrong, and sending it again."""

import asyncio
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from frontdesk import secret_files
from frontdesk.database.servers import opened
from frontdesk.errors import BadInput
from frontdesk.mail import actions, store
from frontdesk.mail.records import Listed
from frontdesk.settings import Settings

app = typer.Typer(help="Mail that Frontdesk sends: listed, tried, sent again.", no_args_is_help=False, invoke_without_command=True)


class NotAnId(BadInput):
    """This is not the id of a mail: `frontdesk mail` lists them."""


class NoMailServer(BadInput):
    """There is no mail server: set SMTP_URL and MAIL_FROM."""


@app.callback()
def mail(context: typer.Context) -> None:
    """List mails, those that want a look first."""
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(most: Annotated[int, typer.Option(help="How many at the most.")] = 50) -> None:
    """List mails, those that want a look first: uncertain, failed, waiting, sent."""
    mails = asyncio.run(_list(Settings.load(), most))
    table = Table(Column("id", no_wrap=True), "state", Column("to", overflow="fold"), Column("what", overflow="fold"), box=None)
    for one in mails:
        table.add_row(str(one.id), one.state, escape(one.recipient), escape(_told(one)))
    Console().print(table if mails else "No mail.")


@app.command()
def resend(mail_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Send again what is uncertain or failed. Whoever got it already gets it twice, with the same Message-ID."""
    try:
        wanted = UUID(mail_id)
    except ValueError:
        raise NotAnId(field="mail_id") from None
    asyncio.run(_resend(Settings.load(), wanted))
    print("It is sent again.")


@app.command()
def test(address: Annotated[str, typer.Argument(help="Where the trial goes.")], locale: Annotated[str, typer.Option(help="Its language.")] = "en") -> None:
    """Send a trial, to see whether mail leaves this installation. `frontdesk mail` shows what became of it."""
    settings = Settings.load()
    if not settings.smtp_url:
        raise NoMailServer
    mail_id = asyncio.run(_test(settings, address, locale))
    print(f"Queued as {mail_id}. The worker sends it within seconds.")


def _told(one: Listed) -> str:
    what = f"{one.template} of {one.created_at:%Y-%m-%d %H:%M}" + (f" for {one.organization}" if one.organization else "")
    if one.state == "queued" and one.attempts:
        what += f", tried {one.attempts} times, again at {one.not_before:%H:%M:%S}"
    return f"{what}\n{one.last_error}" if one.last_error else what


async def _list(settings: Settings, most: int) -> list[Listed]:
    async with opened(settings) as database, database.platform() as db:
        return await store.listed(db, most)


async def _resend(settings: Settings, mail_id: UUID) -> None:
    async with opened(settings) as database, database.platform() as db:
        await actions.resend(db, mail_id)


async def _test(settings: Settings, address: str, locale: str) -> UUID:
    mailer = actions.Mailer(secret_files.load(settings).vault, settings)
    async with opened(settings) as database, database.platform() as db:
        return await mailer.queue(db, "mail/trial", to=address, locale=locale, values={}, lasts=timedelta(hours=1))
