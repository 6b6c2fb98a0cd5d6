"""`frontdesk audit`: the operator's proof that the log is as it was written."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.audit import actions
from frontdesk.audit.anchors import Reader, Signer
from frontdesk.audit.keeping import keep
from frontdesk.audit.records import Verdict
from frontdesk.database.servers import opened
from frontdesk.settings import Settings

app = typer.Typer(help="The audit log.", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Look after the audit log."""


Slug = Annotated[str | None, typer.Option("--organization", metavar="SLUG", help="Check this organization's log only.")]
Anchors = Annotated[
    Path | None, typer.Option("--anchors", exists=True, dir_okay=False, readable=True, help="Compare with the anchors of this file, as `anchor` wrote them.")
]
Keys = Annotated[list[str] | None, typer.Option("--public-key", metavar="KEY", help="Believe anchors signed with this key; else the installation's own.")]
Place = Annotated[str, typer.Argument(metavar="FILE|URL", help="A file to add to, or an https address to send to; outside of this machine, best.")]


@app.command()
def verify(organization: Slug = None, anchors: Anchors = None, public_key: Keys = None) -> None:
    """Check that no entry was changed, removed or inserted; exit with 1 and name each one if not."""
    verdict, told, notes = asyncio.run(_verdict(organization, anchors, public_key or []))
    for fault in verdict.faults:
        print(f"{fault.slug}: entry {fault.seq}: {fault.fault}")
    for line in [*told, *notes]:
        print(line)
    many = len(verdict.faults) + len(told)
    checked = f"{verdict.entries:,} {'entry' if verdict.entries == 1 else 'entries'} checked"
    faults = f"{many:,} {'fault' if many == 1 else 'faults'}"
    print(f"{checked}: {faults}." if many else f"{checked}: every chain is whole{' and as it was anchored' if anchors else ''}.")
    raise typer.Exit(1 if many else 0)


@app.command()
def anchor(place: Place) -> None:
    """Keep where every log ends now, signed, outside of the database: `verify --anchors` finds a log that was rewritten as a whole."""
    many = asyncio.run(_anchor(place))
    print(f"{many:,} {'log is' if many == 1 else 'logs are'} anchored in {place}.")


@app.command()
def key(pem: Annotated[bool, typer.Option("--pem", help="As other programs read it.")] = False) -> None:
    """Print the public key that proves anchors. Keep it where the anchors are."""
    signer = Signer.of(Settings.load())
    print(signer.public_pem if pem else signer.public_key, end="" if pem else "\n")


async def _verdict(organization: str | None, anchors: Path | None, public_keys: Iterable[str]) -> tuple[Verdict, list[str], list[str]]:
    settings = Settings.load()
    async with opened(settings) as database, database.platform() as db:
        told, notes = list[str](), list[str]()
        if anchors is not None:
            reader = Reader(list(public_keys) or [Signer.of(settings).public_key])
            with anchors.open(encoding="utf-8", errors="replace") as lines:
                told = await actions.compare(db, reader, lines, organization)
            notes = await actions.deleted(db)
        return await actions.verify(db, organization), told, notes


async def _anchor(place: str) -> int:
    settings = Settings.load()
    signer = Signer.of(settings)
    async with opened(settings) as database:
        async with database.platform() as db:
            anchors = await actions.ends(db)
        await keep(settings, place, b"".join(map(signer.line, anchors)))
    return len(anchors)
