"""`frontdesk channels`: what the operator does with numbers."""

import asyncio
import sys
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from frontdesk import secret_files
from frontdesk.channels import actions, addresses, store
from frontdesk.channels.connected import CLOUD_API, NewChannel
from frontdesk.channels.input import BadAccessToken, app_secret
from frontdesk.channels.own_apps import AppAddress
from frontdesk.channels.proofs import prove_new
from frontdesk.database import Platform
from frontdesk.database.servers import opened
from frontdesk.errors import BadInput, NotFound
from frontdesk.settings import Settings

app = typer.Typer(
    name="channels",
    help="Connect and list the WhatsApp numbers of organizations.",
    no_args_is_help=True,
    add_completion=False,
)

Slug = Annotated[str, typer.Option("--organization", help="The organization's slug, as its pages show it.")]


class NoSuchOrganization(NotFound):
    """There is no organization with this slug."""


class UnknownKind(BadInput):
    """Only numbers of the kind cloud_api can be connected; sandbox numbers come by themselves."""


@app.command()
def connect(
    organization: Slug,
    phone_number_id: Annotated[str, typer.Option(help="The phone number ID that Meta shows, not the number itself.")],
    waba_id: Annotated[str, typer.Option(help="The WhatsApp Business Account ID.")],
    display_number: Annotated[str, typer.Option(help="The number with its country code, as people see it.")],
    kind: Annotated[str, typer.Option(help="cloud_api")] = CLOUD_API,
    name: Annotated[str, typer.Option(help="What the team calls it.")] = "WhatsApp",
    access_token_stdin: Annotated[bool, typer.Option("--access-token-stdin", help="Read the access token from standard input.")] = False,
    own_app_secret_stdin: Annotated[
        bool, typer.Option("--own-app-secret-stdin", help="The number is in a Meta app of the organization's own; read its app secret from the second line.")
    ] = False,
) -> None:
    """Connect a number of WhatsApp's Cloud API to an organization. Secrets are read from standard input, so no
    history keeps them: the access token, and in a second line the secret of the organization's own Meta app, if it has one."""
    if kind != CLOUD_API:
        raise UnknownKind(field="kind")
    if not access_token_stdin:
        raise BadAccessToken("Give --access-token-stdin and send the access token through standard input.", field="access_token")
    settings, new = Settings.load(), NewChannel(name, phone_number_id, waba_id, display_number, *_typed(own_app_secret_stdin))
    address = asyncio.run(_connect(settings, organization, new))
    print(f"Connected {new.display_number} to {organization}.")
    if address is None:
        print(f"In Meta's app, let webhooks go to {addresses.webhook_url(settings)}")
    else:
        print(f"In the organization's own Meta app, let webhooks go to {addresses.webhook_url(settings, address.webhook_token)}")
        print(f"and give it the verify token {address.verify_token}")


@app.command("list")
def list_(
    organization: Annotated[str | None, typer.Option("--organization", help="Only those of this organization.")] = None,
) -> None:
    """List connected numbers and how they fare."""
    rows = asyncio.run(_list(Settings.load(), organization))
    heads = ("organization", "kind", "name", "number", "phone number id", "state")
    table = Table(*(Column(head, overflow="fold") for head in heads), box=None)  # a number cut short is no use
    for row in rows:
        state = f"stopped: {row['stopped_reason'] or 'no reason given'}" if row["stopped_at"] else row["last_error"] or "working"
        told = (row["organization"], row["kind"], row["name"], row["display_number"], row["phone_number_id"], state)
        table.add_row(*(escape(text) for text in told))  # a name in brackets is a name, no markup
    Console().print(table if rows else "No number is connected.")


def _typed(with_app_secret: bool) -> tuple[str, str]:
    """Access token and app secret from standard input, each in a line of its own."""
    typed = sys.stdin.read()
    if not with_app_secret:
        return typed, ""
    token, _, secret = typed.strip().partition("\n")
    return token, app_secret(secret, "own_app_secret")


async def _connect(settings: Settings, slug: str, new: NewChannel) -> AppAddress | None:
    """Connect the number; what its own app must be told, if it has one. WhatsApp is asked while no transaction is open."""
    vault = secret_files.load(settings).vault
    async with opened(settings) as database:
        async with database.platform() as db:
            organization_id = await _organization_id(db, slug)
        proof = await prove_new(settings, new)
        async with database.platform() as db:
            channel_id = await actions.connect(db, vault, new, proof, organization_id=organization_id)
            return (await actions.app_addresses(db, vault, organization_id)).get(channel_id)


async def _list(settings: Settings, slug: str | None) -> list[dict[str, Any]]:
    async with opened(settings) as database, database.platform() as db:
        return await store.everywhere(db, None if slug is None else await _organization_id(db, slug))


async def _organization_id(db: Platform, slug: str) -> UUID:
    found = await store.organization_by_slug(db, slug)
    if found is None:
        raise NoSuchOrganization(f"There is no organization with the slug {slug!r}.", field="organization")
    organization_id: UUID = found["id"]
    return organization_id
