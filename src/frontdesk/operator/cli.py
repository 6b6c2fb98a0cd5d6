"""`frontdesk operator`: who may open the console. Nobody makes himself one there."""

import asyncio
from getpass import getuser
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from frontdesk.database.servers import opened
from frontdesk.errors import NotFound
from frontdesk.settings import Settings

app = typer.Typer(help="Who runs this installation, at its console /operator.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="The email with which the user signs in.")]


class NoSuchUser(NotFound):
    """Nobody has this email. Whoever shall be an operator registers first."""


class NoSuchOperator(NotFound):
    """This user is no operator."""


@app.callback()
def group() -> None:
    """Who runs this installation, at its console /operator."""


@app.command()
def grant(email: Email) -> None:
    """Make a user an operator. The console opens to sessions that a second factor has opened, and to no others."""
    match asyncio.run(_grant(Settings.load(), email)):
        case "nobody":
            raise NoSuchUser(f"Nobody has the email {email!r}. Whoever shall be an operator registers first.", field="email")
        case "already":
            print("This user is an operator already.")
        case "without factor":
            print("Done. This user has no second factor yet: /account is where one is added, and /operator opens after that.")
        case _:
            print("Done: /operator opens after signing in with the second factor.")


@app.command()
def revoke(email: Email) -> None:
    """Make an operator a user like any other, at once: whatever he looks into is closed."""
    if not asyncio.run(_revoke(Settings.load(), email)):
        raise NoSuchOperator(f"{email!r} is no operator.", field="email")
    print("Done.")


@app.command("list")
def list_() -> None:
    """List the operators."""
    rows = asyncio.run(_list(Settings.load()))
    table = Table("email", "name", "since", "by", "second factor", box=None)
    for row in rows:
        table.add_row(row["email"], row["name"], f"{row['granted_at']:%Y-%m-%d}", row["granted_by"], "yes" if row["has_factor"] else "[red]no[/]")
    Console().print(table if rows else "There is no operator: `frontdesk operator grant EMAIL` makes one.")


def _by() -> str:
    """Who sits at the command line."""
    try:
        return f"{getuser()}, command line"
    except (KeyError, OSError):
        return "command line"


async def _grant(settings: Settings, email: str) -> str:
    async with opened(settings) as database:
        rows = await database.call("select private.grant_operator(%(email)s, %(by)s) as outcome", {"email": email.strip(), "by": _by()})
        return str(rows[0]["outcome"])


async def _revoke(settings: Settings, email: str) -> bool:
    async with opened(settings) as database:
        rows = await database.call("select private.revoke_operator(%(email)s, %(by)s) as done", {"email": email.strip(), "by": _by()})
        return bool(rows[0]["done"])


async def _list(settings: Settings) -> list[dict[str, Any]]:
    async with opened(settings) as database:
        return await database.call("select email, name, granted_at, granted_by, has_factor from private.list_operators()")
