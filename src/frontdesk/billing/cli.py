"""`frontdesk billing`: bring what is sold to Stripe, and look after its events."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from frontdesk.billing import catalogue, inbox, reconciling
from frontdesk.billing.differences import Step
from frontdesk.billing.records import KeptEvent
from frontdesk.billing.stripe_api import Money, open_money
from frontdesk.database.servers import opened
from frontdesk.errors import BadInput
from frontdesk.settings import Settings

app = typer.Typer(help="Plans and prices at Stripe, and what it tells: compared, brought there, tried again.", no_args_is_help=True)
SIGNS = {
    "product": "product", "price": "price", "archive": "archive", "note": "name", "portal": "portal", "meter": "meter", "webhook": "webhook",
    "destination": "webhook", "look": "by hand", "missing": "missing",
}  # fmt: skip


class NoStripe(BadInput):
    """There is no Stripe account: set STRIPE_SECRET_KEY."""


class NoSuchEvent(BadInput):
    """There is no event of Stripe's with this id: `frontdesk billing events` lists them."""


@app.command()
def sync(
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Bring it to Stripe, or only show what is otherwise there.")] = False,
) -> None:
    """Compare plans, prices, the customer portal, the webhook endpoint and meters with Stripe's; with --apply bring them there.

    Ends with 1 while something is otherwise there: what it touches is not sold. What this installation would have to know first is said, and is no failure.
    """
    steps, left = asyncio.run(_sync(Settings.load(), apply))
    left = [step for step in left if step.kind != "missing"]
    _show(steps, "Stripe has all of it, as it is here.")
    if apply and steps:
        asked = len([step for step in steps if step.kind != "missing"])
        print(f"{asked - len(left)} of {asked} done." if left else "Done.")
    raise typer.Exit(1 if left else 0)


@app.command()
def events(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait to be handled.")] = False,
    given_up: Annotated[bool, typer.Option("--given-up", help="Only those that want a look.")] = False,
    most: Annotated[int, typer.Option(help="How many at the most.")] = 50,
) -> None:
    """List Stripe's events, the newest first, with what became of them."""
    found, state = asyncio.run(_events(Settings.load(), "given_up" if given_up else "waiting" if waiting else "all", most))
    table = Table(Column("id", no_wrap=True), "state", Column("what", overflow="fold"), box=None)
    for one in found:
        table.add_row(str(one.id), one.state.replace("_", " "), escape(_told(one)))
    Console().print(table if found else "No event.")
    if state.refused:
        print(f"{state.refused:,} calls of the last day were not signed by Stripe.")


@app.command()
def replay(event_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Handle an event again: how its customer stands is asked anew, so that it can be done as often as one likes."""
    try:
        wanted = UUID(event_id)
    except ValueError:
        raise NoSuchEvent(field="event_id") from None
    asyncio.run(_replay(Settings.load(), wanted))
    print("It is handled again.")


@app.command()
def reconcile() -> None:
    """Ask Stripe now for events that it could not deliver, and how everybody stands who has something running."""
    new, looked, failed = asyncio.run(_reconcile(Settings.load()))
    print(f"{new:,} events had not been delivered. {looked:,} customers were looked at, {failed:,} of them without success.")
    raise typer.Exit(1 if failed else 0)


def _show(steps: Sequence[Step], otherwise: str) -> None:
    table = Table("", Column("what", overflow="fold"), box=None)
    for step in steps:
        table.add_row(SIGNS[step.kind], escape(step.said))
    Console().print(table if steps else otherwise)


def _show_secrets(secrets: Sequence[str], *, rotated: bool) -> None:
    """Here and nowhere else: not in a log, not in the database."""
    print(f"Stripe signs what it tells from now on with\n\n  {','.join(secrets)}\n")
    where = "in front of what is there, parted by a comma" if rotated else "it is shown this once"
    print(f"Put it into STRIPE_WEBHOOK_SECRET ({where}) and start Frontdesk again.")


def _told(one: KeptEvent) -> str:
    about = one.organization or one.provider_customer_id or "nobody"
    told = f"{one.type} of {one.happened_at:%Y-%m-%d %H:%M} about {about} ({one.provider_event_id}, tried {one.attempts} times)"
    return f"{told}\n{one.last_error}" if one.last_error else told


async def _sync(settings: Settings, apply: bool) -> tuple[list[Step], list[Step]]:
    """What is otherwise, and what of it is still so afterwards."""
    async with _opened(settings) as money:
        steps = await catalogue.compare(money)
        if not apply:
            return steps, steps
        if secrets := await catalogue.apply(money, steps):
            _show_secrets(secrets, rotated=bool(settings.stripe_webhook_secrets))
        return steps, await catalogue.compare(money)


async def _events(settings: Settings, which: str, most: int) -> tuple[list[KeptEvent], inbox.State]:
    async with opened(settings) as database, database.platform() as db:
        return await inbox.listed(db, which, None, most), await inbox.state(db)


async def _replay(settings: Settings, event_id: UUID) -> None:
    async with opened(settings) as database, database.platform() as db:
        if not await inbox.replay(db, event_id):
            raise NoSuchEvent(field="event_id")


async def _reconcile(settings: Settings) -> tuple[int, int, int]:
    async with _opened(settings) as money:
        new = await reconciling.keep_missed(money)
        return new, *await reconciling.sync_everybody(money, asyncio.Event())


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Money]:
    async with opened(settings) as database:
        money = open_money(settings, database)
        if money is None:
            raise NoStripe
        try:
            yield money
        finally:
            await money.close()
