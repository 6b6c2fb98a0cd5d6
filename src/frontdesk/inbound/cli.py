"""`frontdesk deliveries`: what could not be told, and telling it again."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from frontdesk.database.servers import opened
from frontdesk.errors import NotFound
from frontdesk.settings import Settings

app = typer.Typer(help="Webhook events that could not be handled: kept, shown, replayed.", no_args_is_help=False, invoke_without_command=True)


class NoSuchDelivery(NotFound):
    """There is no kept failure with this id."""


@app.callback()
def deliveries(context: typer.Context) -> None:
    """List kept failures, the newest first."""
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(most: Annotated[int, typer.Option(help="How many at the most.")] = 50) -> None:
    """List kept failures, the newest first."""
    rows = asyncio.run(_list(Settings.load(), most))
    table = Table(Column("id", no_wrap=True), Column("organization", overflow="fold"), Column("what and why", overflow="fold"), box=None)
    for row in rows:
        what = f"{row['kind']} of {row['received_at']:%Y-%m-%d %H:%M:%S}, {row['size']} bytes, tried {row['attempts']} times"
        table.add_row(str(row["id"]), row["organization"] or "(unknown)", escape(f"{what}\n{row['error']}"))  # an error's brackets are no markup
    Console().print(table if rows else "No delivery is waiting for a look.")


@app.command()
def replay(delivery: Annotated[str | None, typer.Argument(help="One id; without it, all.")] = None) -> None:
    """Put failures back on the road: a fixed cause, or a number connected since, lets them through."""
    wanted = None
    if delivery is not None:
        try:
            wanted = UUID(delivery)
        except ValueError:
            raise NoSuchDelivery(f"{delivery!r} is not an id: `frontdesk deliveries` lists them.", field="delivery") from None
    count = asyncio.run(_replay(Settings.load(), wanted))
    if wanted and not count:
        raise NoSuchDelivery
    print(f"{count} put back on the road.")  # events of numbers that nobody has connected stay where they are


async def _list(settings: Settings, most: int) -> list[dict[str, Any]]:
    async with opened(settings) as database:
        return await database.call("select * from private.list_failed_deliveries(%(most)s)", {"most": most})


async def _replay(settings: Settings, wanted: UUID | None) -> int:
    async with opened(settings) as database:
        rows = await database.call("select private.replay_failed_deliveries(%(wanted)s) + private.replay_unrouted(%(wanted)s) as count", {"wanted": wanted})
        return int(rows[0]["count"])
