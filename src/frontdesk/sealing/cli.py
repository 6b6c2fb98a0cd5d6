"""`frontdesk secrets`: the keys of the installation, what each has sealed, and exchanging them."""

import asyncio
import re
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from frontdesk import secret_files
from frontdesk.database.servers import opened
from frontdesk.sealing import actions
from frontdesk.sealing.records import Holding, Rotation
from frontdesk.settings import Settings
from frontdesk.vault import KEY_NAME, BadKey, Vault

app = typer.Typer(name="secrets", help="The keys that encrypt secrets at rest.", no_args_is_help=True, add_completion=False)


@app.command()
def status() -> None:
    """Show how many stored secrets are sealed with which key; exit with 1 when one of those keys is gone."""
    settings = Settings.load()
    vault = secret_files.load(settings).vault
    held, trouble = asyncio.run(_status(settings, vault))
    table = Table("key", "column", "values", box=None)
    for one in sorted(held, key=lambda one: (one.with_data_key, one.sealed_by or "~", one.place)):
        table.add_row(_called(one, vault), one.place, f"{one.amount:,}")
    Console().print(table if held else "No secret is stored yet.")
    for line in _told(held, vault):
        print(line)
    if trouble:
        raise trouble


@app.command()
def rotate() -> None:
    """Seal every stored secret with the newest key, while Frontdesk serves. Stopped at any moment, it goes on where it stopped."""
    settings = Settings.load()
    vault = secret_files.load(settings).vault
    done = asyncio.run(_rotate(settings, vault))
    print(f"{_secrets(done.renewed)} sealed anew; everything that opens is sealed with {vault.names[0]} now." if not done.left else "")
    if done.left:
        print(f"{_secrets(done.left)} were being changed all the time: run this again.")
    if done.unopened:
        print(f"{_secrets(done.unopened)} cannot be opened and stayed as they are; the lines above name them. They have to be typed in again.")
    raise typer.Exit(1 if done.left or done.unopened else 0)


@app.command("make-key")
def make_key(name: Annotated[str | None, typer.Argument(help="What to call it; a number higher than those in use if not given.")] = None) -> None:
    """Print a fresh key, to be put in front of FRONTDESK_SECRET_KEYS. Nothing is stored or changed."""
    names = secret_files.load(Settings.load()).vault.names
    if name is None:
        numbers = [int(found[1]) for one in names if (found := re.fullmatch(r"k([0-9]{1,9})", one))]
        name = f"k{max(numbers, default=0) + 1}"
    if name in names or not KEY_NAME.fullmatch(name):
        raise BadKey("A key needs a name of letters, digits, - and _ that no other key has.")
    print(Vault.make_key(name))


@app.command()
def abandon(
    name: Annotated[str, typer.Argument(help="The key that is lost.")],
    yes: Annotated[bool, typer.Option("--yes", help="I know that what this key has sealed is lost for good.")] = False,
) -> None:
    """Give up what a lost key has sealed, so that Frontdesk starts without it. Access tokens and app secrets have to be typed in again."""
    if not yes:
        raise actions.NotConfirmed
    settings = Settings.load()
    amount = asyncio.run(_abandon(settings, secret_files.load(settings).vault, name))
    print(f"{_secrets(amount)} given up that the key {name} had sealed.")


async def _status(settings: Settings, vault: Vault) -> tuple[list[Holding], actions.KeysMissing | None]:
    async with opened(settings) as database:
        held = await actions.holdings(database)
    try:
        actions.check_keys(held, vault)
    except actions.KeysMissing as trouble:
        return held, trouble
    return held, None


async def _rotate(settings: Settings, vault: Vault) -> Rotation:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    async with opened(settings) as database:
        waiting = actions.waiting(await actions.holdings(database), vault.names[0])
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("sealing anew", total=sum(waiting.values()))
            return await actions.rotate(database, vault, lambda done: progress.advance(task, done))


async def _abandon(settings: Settings, vault: Vault, name: str) -> int:
    async with opened(settings) as database:
        return await actions.abandon(database, vault, name)


def _called(one: Holding, vault: Vault) -> str:
    if one.sealed_by is None:
        return "not sealed"
    if not one.sealed_by:
        return "data keys"
    return one.sealed_by + (" (newest)" if one.sealed_by == vault.names[0] else "" if one.sealed_by in vault.names else " (gone)")


def _told(held: list[Holding], vault: Vault) -> list[str]:
    """What to do about it, in sentences."""
    waits = sum(actions.waiting(held, vault.names[0]).values())
    used = {one.sealed_by for one in held}
    told = [f"{_secrets(waits)} would be sealed otherwise now: `frontdesk secrets rotate` does it."] if waits else []
    return told + [f"The key {name} has sealed nothing that is stored: it can be removed." for name in vault.names[1:] if name not in used]


def _secrets(amount: int) -> str:
    return f"{amount:,} {'secret' if amount == 1 else 'secrets'}"
