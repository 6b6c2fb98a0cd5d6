"""`frontdesk audit`: the operator's proof that the log is as it was written."""

import asyncio
from typing import Annotated

import typer

from frontdesk.audit.actions import verify as verify_chains
from frontdesk.audit.records import Verdict
from frontdesk.database.servers import opened
from frontdesk.settings import Settings

app = typer.Typer(help="The audit log.", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Look after the audit log."""


Slug = Annotated[str | None, typer.Option("--organization", metavar="SLUG", help="Check this organization's log only.")]


@app.command()
def verify(organization: Slug = None) -> None:
    """Check that no entry was changed, removed or inserted; exit with 1 and name each one if not."""
    verdict = asyncio.run(_verdict(organization))
    for fault in verdict.faults:
        print(f"{fault.slug}: entry {fault.seq}: {fault.fault}")
    checked = f"{verdict.entries:,} {'entry' if verdict.entries == 1 else 'entries'} checked"
    faults = f"{len(verdict.faults):,} {'fault' if len(verdict.faults) == 1 else 'faults'}"
    print(f"{checked}: {faults}." if verdict.faults else f"{checked}: every chain is whole.")
    raise typer.Exit(1 if verdict.faults else 0)


async def _verdict(organization: str | None) -> Verdict:
    async with opened(Settings.load()) as database, database.platform() as db:
        return await verify_chains(db, organization)
