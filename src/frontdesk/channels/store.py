"""The SQL of channels. What reaches beyond one organization, a number's route and its token, is behind functions of
PostgreSQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from frontdesk.channels.connected import ConnectedChannel
from frontdesk.channels.lanes import Lane
from frontdesk.channels.simulator import Person, Recalled, SandboxNumber
from frontdesk.database import Platform, Tenant, Tenants, batch

COUNTED = 10_000  # conversations of a channel, at most: enough to know what goes with it


async def all_of(db: Tenant) -> list[ConnectedChannel]:
    """The organization's channels: the real numbers first, the sandbox last."""
    return await db.records(
        ConnectedChannel,
        """
        select id, kind, name, phone_number_id, display_number, waba_id, rate_per_second, stopped_at, stopped_reason,
          last_error, last_error_at, last_inbound_at, created_at, held_back_at
        from public.channels where organization_id = %(organization_id)s order by kind = 'simulator', id
        """,
        {"organization_id": db.organization_id},
    )


async def find(db: Tenant, channel_id: UUID) -> ConnectedChannel | None:
    """One channel of the organization."""
    return await db.record(
        ConnectedChannel,
        """
        select id, kind, name, phone_number_id, display_number, waba_id, rate_per_second, stopped_at, stopped_reason,
          last_error, last_error_at, last_inbound_at, created_at, held_back_at
        from public.channels where organization_id = %(organization_id)s and id = %(id)s
        """,
        {"organization_id": db.organization_id, "id": channel_id},
    )


async def sandbox_of(db: Tenant) -> ConnectedChannel | None:
    """The organization's first sandbox number."""
    return await db.record(
        ConnectedChannel,
        """
        select id, kind, name, phone_number_id, display_number, waba_id, rate_per_second, stopped_at, stopped_reason,
          last_error, last_error_at, last_inbound_at, created_at, held_back_at
        from public.channels where organization_id = %(organization_id)s and kind = 'simulator' order by id limit 1
        """,
        {"organization_id": db.organization_id},
    )


async def connect(db: Tenant | Platform, organization_id: UUID, row: dict[str, Any]) -> bool:
    """Store a channel with its route and sealed token; False when the number is taken, by whomever."""
    return bool(
        await db.value(
            """
            select private.connect_channel(%(organization_id)s, %(id)s, %(kind)s, %(name)s, %(phone_number_id)s,
              %(display_number)s,
              %(waba_id)s, %(scope)s, %(sealed_token)s, %(by_user)s)
            """,
            row | {"organization_id": organization_id},
        )
    )


async def give_app(db: Tenant | Platform, row: dict[str, Any]) -> None:
    """Let only the organization's own Meta app speak for a channel's number."""
    await db.value(
        """
        select private.give_channel_app(%(organization_id)s, %(channel_id)s, %(token_hash)s, %(webhook_token)s,
          %(verify_token)s, %(app_secret)s)
        """,
        row,
    )


async def apps_of(db: Tenant | Platform, organization_id: UUID) -> list[dict[str, Any]]:
    """The sealed addresses of the organization's own apps."""
    return await db.rows("select * from private.channel_apps_of(%(organization_id)s)", {"organization_id": organization_id})


async def renew_app_secret(db: Tenant, channel_id: UUID, sealed_secret: str) -> bool:
    """Put a new app secret in place; False when the channel has no app of its own."""
    return bool(
        await db.value(
            "select private.renew_channel_app_secret(%(organization_id)s, %(id)s, %(sealed_secret)s)",
            {"organization_id": db.organization_id, "id": channel_id, "sealed_secret": sealed_secret},
        )
    )


async def renew_token(db: Tenant, channel_id: UUID, sealed_token: str) -> bool:
    """Put a new token in place and start the channel again; False when there is no such channel."""
    return bool(
        await db.value(
            "select private.renew_channel_token(%(organization_id)s, %(id)s, %(sealed_token)s)",
            {"organization_id": db.organization_id, "id": channel_id, "sealed_token": sealed_token},
        )
    )


async def forget_error(db: Tenant, channel_id: UUID) -> None:
    """Clear what went wrong with the token before."""
    await db.run(
        """
        update public.channels set last_error = null, last_error_at = null
        where organization_id = %(organization_id)s and id = %(id)s
        """,
        {"organization_id": db.organization_id, "id": channel_id},
    )


async def note_inbound(db: Tenants, lanes: Sequence[Lane]) -> None:
    """Somebody has just written to these numbers."""
    await db.run(
        """
        update public.channels c set last_inbound_at = now()
        from jsonb_to_recordset(%(batch)s) as lane (organization_id uuid, channel_id uuid)
        where lane.channel_id = any (array[lane.channel_id]) and c.organization_id = lane.organization_id and c.id = lane.channel_id
        """,
        {"batch": batch([lane._asdict() for lane in lanes])},
    )


async def disconnect(db: Tenant, channel_id: UUID) -> bool:
    """Give the number up, and all its conversations with it; False when there is no such channel."""
    return bool(
        await db.value(
            "select private.disconnect_channel(%(organization_id)s, %(id)s)",
            {"organization_id": db.organization_id, "id": channel_id},
        )
    )


async def conversations_by_channel(db: Tenant) -> dict[UUID, int]:
    """How many conversations each channel has, counted up to one more than 10,000."""
    rows = await db.rows(
        """
        select c.id, (select count(*) from (
            select from public.conversations v where v.organization_id = c.organization_id and v.channel_id = c.id
              limit %(counted)s + 1) as counted
          ) as conversations
        from public.channels c where c.organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id, "counted": COUNTED},
    )
    return {row["id"]: row["conversations"] for row in rows}


async def organization_by_slug(db: Platform, slug: str) -> dict[str, Any] | None:
    """The organization behind a slug: id, name, owner_id."""
    return await db.row("select id, name, owner_id from private.organization_by_slug(%(slug)s)", {"slug": slug})


async def everywhere(db: Platform, organization_id: UUID | None) -> list[dict[str, Any]]:
    """The channels of the installation, or of one organization, for the operator."""
    return await db.rows("select * from private.channels_of(%(organization_id)s)", {"organization_id": organization_id})


async def sample_customer(db: Platform, phone_number_id: str, bsuid: str) -> Recalled | None:
    """Who of the sample data this id is, and when they last wrote to this sandbox number."""
    row = await db.row(
        "select name, phone, username, wrote_at from private.sample_customer(%(number)s, %(bsuid)s)", {"number": phone_number_id, "bsuid": bsuid}
    )
    return None if row is None else Recalled(Person(bsuid, row["phone"], row["username"], row["name"]), row["wrote_at"].timestamp())


async def sandbox_numbers(db: Platform, user_id: UUID | None, phone_number_id: str | None) -> list[SandboxNumber]:
    """The sandbox numbers of a user's organizations, or the one with an id."""
    return await db.records(
        SandboxNumber,
        """
        select phone_number_id, display_number, organization_name
        from private.sandbox_numbers(%(user_id)s, %(phone_number_id)s)
        """,
        {"user_id": user_id, "phone_number_id": phone_number_id},
    )
