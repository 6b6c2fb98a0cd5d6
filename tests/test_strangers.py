"""No route of the assembled product lets a stranger near an organization: every route there is, as a neighbour and as nobody."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from starlette.routing import Mount, Route

from frontdesk import app as application
from frontdesk.bell import Bell
from frontdesk.database import Database, new_id
from frontdesk.live import Live
from frontdesk.settings import Settings
from frontdesk.web import PUBLIC, needs_of
from tests.graph import graph
from tests.strangers import tenant_table_names
from tests.users.browser import Browser, hidden_fields

# What names a thing of an organization in a path, and how to find the shop's. A new name has to be added here.
NAMED = {
    "channel_id": "select id from channels where organization_id = %s and kind = 'cloud_api' limit 1",
    "key_id": "select id from api_keys where organization_id = %s limit 1",
    "contact_id": "select id from contacts where organization_id = %s order by id limit 1",
    "conversation_id": "select conversation_id from messages where organization_id = %s and status = 'failed' limit 1",
    "member_id": "select user_id from organization_members where organization_id = %s and role = 'viewer'",
    "invitation_id": "select id from organization_invitations where organization_id = %s limit 1",
    "message_id": "select id from messages where organization_id = %s and status = 'failed' limit 1",
    "phone_number_id": "select phone_number_id from channels where organization_id = %s and kind = 'simulator' limit 1",
    "rule_id": "select id from auto_replies where organization_id = %s order by position limit 1",
}
# Every field that any form has, filled in well: a stranger must fail for being one, not for a missing field.
FIELDS = {
    "app_secret": "0123456789abcdef0123456789abcdef",
    "access_token": "EAAB", "text": "hello", "name": "Hours", "given_name": "Mine now", "to": "1", "on": "on", "trigger": "fallback",
    "as": "+447700900142", "match": "contains", "keywords": "open", "reply": "From nine to five.", "cooldown_seconds": "0",
    "number": "+44 7700 900142", "emoji": "👍", "scopes": "contacts:read", "expires": "30", "networks": "",
    "role": "member", "conversations": "unassign",
    "metric": "messages_sent", "over_limit": "overage", "cap": "20",
    "timezone": "Europe/Berlin", "locale": "de", "confirmation": "lagos-glow-salon",
}  # fmt: skip
# The simulator's doors for programs of this machine, which have no visitors: tests/channels/simulator/test_api.py and test_graph.py.
PROGRAMS = ("/simulator/graph", "/simulator/inbound", "/simulator/messages", "/simulator/faults", "/simulator/limits")
# A sign-in provider that is configured, and never there: its doors stand open, and lead nowhere.
NO_PROVIDER = {"oidc_issuer": "http://127.0.0.1:1", "oidc_client_id": "frontdesk", "oidc_client_secret": "secret"}
OF_A_USER = {"session_id", "identity_id", "passkey_id"}  # what names a thing of a user in a path
LAST = ("deletion", "disconnection", "erasure", "/removal", "revocation")  # after these the thing is gone
SECRET = "Zebulon Only-Here"


@dataclass
class House:
    """The assembled product with a shop full of sample data, and its neighbour."""

    built: Any
    shop: Browser
    neighbour: Browser
    owner: psycopg.AsyncConnection[Any]
    shop_id: UUID
    of_shop: dict[str, str]

    def routes(self) -> list[tuple[str, str]]:
        """Method and path of everything that is not for everybody."""
        doors = [key for key, needed in needs_of(self.built.app.routes).items() if needed is not PUBLIC and key[1].startswith(("/dashboard", "/account"))]
        phones = [(method, f"/simulator{route.path}") for route in self.built.state.simulator.routes if isinstance(route, Route)
                  for method in (route.methods or set()) - {"HEAD"}]  # fmt: skip
        found = doors + [one for one in phones if not one[1].startswith(PROGRAMS)]
        return sorted(found, key=lambda one: (one[1].endswith(LAST), one[1], one[0]))

    def named(self) -> list[tuple[str, str]]:
        """The routes whose path names a thing of an organization."""
        return [one for one in self.routes() if set(re.findall(r"{(\w+)}", one[1])) - OF_A_USER]

    async def state(self) -> dict[str, Any]:
        """All rows of the shop, table by table."""
        tables, seen = await tenant_table_names(self.owner), {}
        for table in tables:
            key = "id" if table == "organizations" else "organization_id"
            rows = await self.owner.execute(f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t where {key} = %s", [self.shop_id])  # type: ignore[arg-type]
            seen[table] = await rows.fetchone()
        return seen


@pytest.fixture
async def house(settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any]) -> AsyncIterator[House]:
    async with Live(database.url) as live, graph() as meta:
        built: Any = application.build(settings.model_copy(update={"whatsapp_graph_url": meta.url} | NO_PROVIDER), database, live, Bell(live))
        async with built.app.router.lifespan_context(built.app), Browser(built) as shop, Browser(built) as neighbour:
            await shop.register(email="maya@example.com", organization_name="Lagos Glow Salon")
            await neighbour.register(email="olga@example.com", organization_name="Moretti")
            await shop.send("/dashboard/sample-data", page="/dashboard")
            await owner.execute("update auth.users set email_confirmed_at = now()")
            rows = await owner.execute("select id from organizations where name = 'Lagos Glow Salon'")
            ((shop_id,),) = await rows.fetchall()
            yield House(built, shop, neighbour, owner, shop_id, await furnish(owner, shop_id))
            await live.close()


async def furnish(owner: psycopg.AsyncConnection[Any], shop_id: UUID) -> dict[str, str]:
    """Give the shop one of everything, and say how each is called."""
    await owner.execute(
        "select private.connect_channel(%s, %s, 'cloud_api', %s, '106540352242922', '+1 555', '1', '1', 'sealed', null)", (shop_id, new_id(), SECRET)
    )
    await owner.execute(
        "select private.give_channel_app(organization_id, id, sha256(%s), 'sealed', 'sealed', 'sealed') from channels where name = %s", (b"token", SECRET)
    )
    await owner.execute(
        "insert into api_keys (organization_id, id, name, prefix, scopes) values (%s, %s, %s, 'fd_live_Zebulo', '{contacts:read}')", (shop_id, new_id(), SECRET)
    )
    await owner.execute("update contacts set given_name = %s, name = %s where organization_id = %s", (SECRET, SECRET, shop_id))
    await owner.execute("update organizations set name = %s where id = %s", (SECRET, shop_id))
    colleague = new_id()
    await owner.execute(
        "insert into auth.users (id, email, raw_user_meta_data)"
        " values (%s, 'tunde@only-here.example', jsonb_build_object('name', %s::text, 'joins_by_invitation', 'true'))",
        (colleague, SECRET),
    )
    await owner.execute("insert into organization_members (organization_id, user_id, role) values (%s, %s, 'viewer')", (shop_id, colleague))
    await owner.execute(
        "insert into organization_invitations (organization_id, id, email, role, token_hash, expires_at, invited_by)"
        " select id, %s, 'only-here@example.org', 'member', sha256(%s), now() + interval '7 days', created_by from organizations where id = %s",
        (new_id(), b"link", shop_id),
    )
    await owner.execute("update auto_replies set name = %s where organization_id = %s", (SECRET, shop_id))
    await owner.execute(
        "update messages set status = 'failed' where id = (select id from messages where organization_id = %s and direction = 'out' limit 1)", (shop_id,)
    )
    found = {}
    for name, question in NAMED.items():
        row = await (await owner.execute(question, (shop_id,))).fetchone()  # type: ignore[arg-type]
        assert row is not None, name
        found[name] = str(row[0])
    return found


async def ask(browser: Browser, method: str, path: str, page: str = "/account") -> httpx.Response:
    """Open a page, or send a form with all that a form of one's own would have."""
    if method == "GET":
        return await browser.get(path)
    fields = hidden_fields((await browser.get(page)).text) | hidden_fields((await browser.get("/dashboard")).text)
    proof = {"origin": browser.base, "x-csrf-token": fields.get("csrf_token", ""), "x-organization-id": fields.get("organization_id", "")}
    filled = fields | FIELDS | {"message_id": str(new_id()), "key_id": str(new_id())}
    return await browser.client.request(method, path, headers={key: value for key, value in proof.items() if value}, data=filled)


def plain(answer: httpx.Response) -> tuple[int, str]:
    """An answer without what differs from request to request."""
    said = re.sub(r'nonce="[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{5,}\b|value="[^"]*"|\b[0-9A-Z]{12}\b', "", answer.text)
    return answer.status_code, said


async def test_what_a_neighbour_names_is_as_missing_as_what_never_was(house: House) -> None:
    before, found = await house.state(), {}
    assert len(house.named()) > 20
    for method, path in house.named():
        answer = await ask(house.neighbour, method, path.format_map(house.of_shop))
        nowhere = {name: str(new_id()) if "-" in value else "109400000000001" for name, value in house.of_shop.items()}
        missing = await ask(house.neighbour, method, path.format_map(nowhere))
        if answer.status_code != 404 or plain(answer) != plain(missing):
            found[f"{method} {path}"] = (answer.status_code, missing.status_code)
    assert found == {}
    assert await house.state() == before


async def test_to_its_owner_everything_is_there_or_the_test_above_would_prove_nothing(house: House) -> None:
    lost = {}
    for method, path in house.named():
        if path.endswith(("/events", "/reactions")) or (method == "POST" and path.endswith("/ownership")):
            continue  # the first never ends, the second wants a message of the phone, and after the third he is no owner any more
        answer = await ask(house.shop, method, path.format_map(house.of_shop))
        if answer.status_code in (401, 403, 404, 422) or answer.status_code >= 500:
            lost[f"{method} {path}"] = (answer.status_code, answer.text[:300])
    assert lost == {}


async def test_no_page_of_a_neighbour_shows_anything_of_the_shop(house: House) -> None:
    shown = []
    pages = [path for method, path in house.routes() if method == "GET" and "{" not in path and path != "/dashboard/live"]
    assert len(pages) > 10
    for path in pages:
        answer = await house.neighbour.get(path)
        assert answer.status_code in (200, 303) or path == "/dashboard/billing/checkout", path  # which leads back from a checkout that one has
        if any(said in answer.text for said in (SECRET, *house.of_shop.values())):
            shown.append(path)
    assert shown == []


async def test_nobody_gets_anywhere_without_signing_in(house: House) -> None:
    before, opened = await house.state(), {}
    async with Browser(house.built) as nobody:
        for method, path in house.routes():
            answer = await ask(nobody, method, path.format_map(house.of_shop | {name: str(new_id()) for name in OF_A_USER}), page="/login")
            refused = answer.status_code in (401, 403, 404) or answer.headers.get("location", "").startswith("/login")
            empty = path == "/simulator/" and "data-phone-number-id" not in answer.text
            if not refused and not empty:
                opened[f"{method} {path}"] = answer.status_code
    assert opened == {}
    assert await house.state() == before


async def test_the_session_of_another_user_is_not_ended(house: House) -> None:
    rows = await house.owner.execute("select s.id from private.sessions s join auth.users u on u.id = s.user_id where u.email = 'maya@example.com'")
    ((session_id,),) = await rows.fetchall()
    await ask(house.neighbour, "POST", f"/account/sessions/{session_id}/revocation")
    assert (await house.shop.get("/account")).status_code == 200


async def test_every_path_says_what_it_names_in_a_word_that_is_known_here(house: House) -> None:
    words = {word for _, path in house.routes() for word in re.findall(r"{(\w+)}", path)}
    assert words <= NAMED.keys() | OF_A_USER
    mounted = {route.path for route in house.built.app.routes if isinstance(route, Mount)}
    assert mounted == {"/api/v1", "/simulator", "/simulator/stripe", "/static"}  # tests/api/test_neighbours.py, tests/billing/simulator
    outside = {
        path for (_, path), needed in needs_of(house.built.app.routes).items()
        if needed is not PUBLIC and not path.startswith(("/dashboard", "/account", "/operator"))
    }  # fmt: skip  # the console: tests/operator/test_attacks.py
    assert outside <= {"/healthz", "/logout", "/session/organization", "/", "/simulator/stripe"}  # the last leads to what is mounted there
