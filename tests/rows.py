"""How a row of every tenant table looks. A table that is missing here fails the isolation test until somebody says so."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from frontdesk.database import new_id

Row = dict[str, Any]
LETTERS = str.maketrans("0123456789", "ghijklmnop")


class Rows:
    """Valid rows of one organization; each call makes new ones."""

    def __init__(self, organization_id: UUID, user_id: UUID, channel_id: UUID) -> None:
        self.organization_id, self.user_id, self.channel_id = organization_id, user_id, channel_id
        self.contact_id, self.conversation_id, self.auto_reply_id, self.api_key_id = new_id(), new_id(), new_id(), new_id()

    def of(self, table: str) -> Row:
        """A row of this table for this organization."""
        make = getattr(self, table, None)
        assert make is not None, f"tests/rows.py does not know how a row of {table} looks"
        row: Row = make()
        return row if table == "organizations" else {"organization_id": self.organization_id} | row

    async def plant(self, owner: psycopg.AsyncConnection[Any], tables: list[str]) -> None:
        """Make sure that every table holds a row of this organization."""
        first = ["contacts", "conversations", "auto_replies", "api_keys"]
        for table in first + [t for t in tables if t not in first]:
            row = self.of(table)
            if table in first:
                row["id"] = {
                    "contacts": self.contact_id, "conversations": self.conversation_id, "auto_replies": self.auto_reply_id, "api_keys": self.api_key_id,
                }[table]  # fmt: skip
            await insert(owner, table, row, " on conflict do nothing")

    def organizations(self) -> Row:
        return {"id": new_id(), "slug": f"s-{new_id().hex}", "name": "x"}

    def organization_members(self) -> Row:
        return {"user_id": self.user_id, "role": "owner"}

    def operator_views(self) -> Row:
        return {"id": new_id(), "operator_id": self.user_id, "purpose": "view", "reason": "asked by the owner"}

    def organization_invitations(self) -> Row:
        return {"id": new_id(), "email": f"{new_id()}@x.de", "role": "member", "token_hash": new_id().bytes * 2, "expires_at": "2030-01-01"}

    def organization_usage(self) -> Row:
        return {"metric": "messages_sent", "period_start": "2001-01-01"}

    def usage_ledger(self) -> Row:
        return {"metric": "messages_sent", "source_id": f"{new_id()}", "period_start": "2001-01-01", "amount": 1}

    def usage_choices(self) -> Row:
        return {"metric": f"m_{str(new_id().int)[:9].translate(str.maketrans('0123456789', 'abcdefghij'))}", "over_limit": "stop"}

    def usage_overage(self) -> Row:
        return {"metric": "messages_sent", "period_start": "2001-01-01", "currency": "EUR"}

    def usage_credits(self) -> Row:
        return {"source_id": f"{new_id()}", "amount": 1, "currency": "EUR"}

    def usage_leases(self) -> Row:
        return {"id": new_id(), "metric": "messages_sent", "period_start": "2001-01-01", "taken": 1}

    def usage_days(self) -> Row:
        return {"day": "2001-01-01", "metric": "messages_sent", "channel_id": new_id(), "author": "bot", "user_id": new_id(), "amount": 1}

    def subscriptions(self) -> Row:
        return {"plan_id": "starter", "status": "active"}

    def billing_accounts(self) -> Row:
        return {"provider_customer_id": f"cus_{new_id()}"}

    def billing_events(self) -> Row:
        return {"id": new_id(), "provider_event_id": f"{new_id()}", "type": "x", "happened_at": "2026-01-01"}

    def invoices(self) -> Row:
        return {"id": f"in_{new_id()}", "status": "paid", "currency": "EUR", "subtotal": 1, "total": 1, "amount_due": 1, "amount_paid": 1,
                "amount_remaining": 0, "issued_at": "2026-01-01"}  # fmt: skip

    def entitlement_overrides(self) -> Row:
        return {"key": f"key_{new_id().hex[-8:].translate(LETTERS)}", "value": Jsonb(1), "reason": "x"}

    def billing_notices(self) -> Row:
        return {"id": new_id(), "kind": "trial_ending", "object": f"{new_id()}"}

    def audit_logs(self) -> Row:
        return {"seq": 10**9, "created_at": "2026-01-01", "actor_kind": "system", "action": "x.y", "prev_hash": b"", "hash": b""}

    def api_keys(self) -> Row:
        return {"id": new_id(), "name": "x", "prefix": "fd_live_000000", "scopes": ["contacts:read"]}

    def api_answers(self) -> Row:
        return {"api_key_id": self.api_key_id, "idempotency_key": f"{new_id()}", "request_hash": bytes(32)}

    def contacts(self) -> Row:
        return {"id": new_id(), "name": "x"}

    def contact_identities(self) -> Row:
        return {"kind": "phone", "value": str(new_id().int)[:20], "contact_id": self.contact_id}

    def auto_replies(self) -> Row:
        return {"id": new_id(), "name": "x", "position": 9, "trigger": "fallback", "reply": "x"}

    def auto_reply_cooldowns(self) -> Row:
        return {"auto_reply_id": self.auto_reply_id, "contact_id": self.contact_id, "answered_at": "2026-01-01"}

    def campaigns(self) -> Row:
        return {"id": new_id(), "name": "x"}

    def channels(self) -> Row:
        return {"id": new_id(), "kind": "waha", "name": "x", "phone_number_id": str(new_id().int)[:30], "display_number": "+1"}

    def lanes(self) -> Row:
        return {"channel_id": self.channel_id, "direction": "in"}

    def conversations(self) -> Row:
        return {"id": new_id(), "channel_id": self.channel_id, "contact_id": self.contact_id, "last_message_at": "2026-01-01"}

    def messages(self) -> Row:
        return {"id": new_id(), "conversation_id": self.conversation_id, "direction": "in", "author": "contact", "status": "received",
                "position": 1, "occurred_at": "2026-01-01"}  # fmt: skip

    def outbox(self) -> Row:
        return {"id": new_id(), "channel_id": self.channel_id, "recipient": "49", "content": "{}"}

    def archives(self) -> Row:
        return {"id": new_id(), "tables": 1}

    def organization_deletions(self) -> Row:
        return {}

    def inbound_deliveries(self) -> Row:
        return {"channel_id": self.channel_id, "id": new_id(), "kind": "message", "payload": "{}"}

    def failed_deliveries(self) -> Row:
        return self.inbound_deliveries() | {"received_at": "2026-01-01", "error": "x"}


async def insert(connection: psycopg.AsyncConnection[Any], table: str, row: Row, more: str = "") -> int:
    """Insert a row, and say how many were."""
    columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    cursor = await connection.execute(f"insert into public.{table} ({columns}) values ({values}){more}", row)  # type: ignore[arg-type]
    return cursor.rowcount
