"""`frontdesk users`: what the operator does for a user, such as where no mail leaves the installation."""

import asyncio
from typing import Annotated

import typer

from frontdesk import users
from frontdesk.database.servers import opened
from frontdesk.email_proofs import verification
from frontdesk.settings import Settings

app = typer.Typer(help="The users of this installation.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The users of this installation."""


@app.command()
def confirm(email: Annotated[str, typer.Argument(help="The email with which the user signs in.")]) -> None:
    """Take a user's email for his, as if he had followed the link: where there is no mail server, or his mail does not arrive."""
    print("It is confirmed." if asyncio.run(_confirm(Settings.load(), email)) else "It was confirmed already.")


@app.command()
def release(email: Annotated[str, typer.Argument(help="The email with which the user signs in.")]) -> None:
    """Take every second factor of a user away who has lost them, recovery codes too. Be sure that it is he who asks."""
    done = asyncio.run(_release(Settings.load(), email))
    print("The password alone opens the account again. Every device is signed out." if done else "There is no second factor to take away.")


async def _release(settings: Settings, email: str) -> bool:
    async with opened(settings) as database, database.platform() as db:
        account = await users.find_account(db, users.email_key(email))
        if account is None:
            raise verification.NoSuchUser(f"Nobody who may sign in has the email {email!r}.")
        return await users.release(db, verification.OPERATOR, account.user_id)


async def _confirm(settings: Settings, email: str) -> bool:
    async with opened(settings) as database:
        return await verification.confirm(database, email)
