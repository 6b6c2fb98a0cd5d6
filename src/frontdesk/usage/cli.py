"""`frontdesk usage`: whether the counters are right."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

from frontdesk.database.servers import opened
from frontdesk.settings import Settings
from frontdesk.usage import jobs, ledger

app = typer.Typer(help="What organizations use.", no_args_is_help=True)


@app.callback()
def usage() -> None:
    """Look after what is counted."""


@app.command()
def recount() -> None:
    """Count every organization's messages again from their rows, and say where a counter differs; exit with 1 if one does."""
    drifts = asyncio.run(_recount())
    table = Table("organization", "metric", "period", "counted", "rows", box=None)
    for one in drifts:
        table.add_row(str(one["organization"]), str(one["metric"]), str(one["period_start"]), str(one["counted"]), str(one["recounted"]))
    if drifts:
        Console().print(table)
    else:
        print("Every counter says what it counts.")
    raise typer.Exit(1 if drifts else 0)


async def _recount() -> list[dict[str, object]]:
    async with opened(Settings.load()) as database:
        async for organization_id in jobs.everybody(database):
            await jobs.recount(database, organization_id)
        return await ledger.drifts(database)
