"""Whatever changes rights, money, channels, keys, exports, deletions, settings and sign-ins writes its entry: every unsafe route there is."""

import re
from typing import Any

import httpx

from frontdesk.database import new_id
from frontdesk.web import needs_of
from tests.test_strangers import FIELDS, House, house
from tests.users.browser import PASSWORD, Browser, hidden_fields

__all__ = ["house"]

# Routes that write no entry here, and why. A path here stands for all that begin with it.
NO_ENTRY = {
    "/account/authenticator": "wants the code of an app; its entries are told by tests/users/test_authenticator.py",
    "/account/recovery-codes": "there are none without an authenticator app; tests/users/test_authenticator.py",
    "/account/email": "a link is sent, and only who follows it changes anything; tests/email_proofs",
    "/account/passkeys": "wants a device that makes one; its entries are told by tests/users",
    "/account/reauthentication/challenge": "asks a device; what comes of it is told by tests/users",
    "/account/provider": "leads to the provider; what is linked or unlinked is told by tests/users",
    "/dashboard/audit/verification": "changes nothing",
    "/dashboard/auto-replies/preview": "changes nothing",
    "/dashboard/auto-replies/trial": "changes nothing",
    "/dashboard/billing/checkout": "Stripe is asked, which is not there; its entries are told by tests/billing",
    "/dashboard/billing/credit": "as above",
    "/dashboard/billing/portal": "as above",
    "/dashboard/billing/cancellation": "as above",
    "/dashboard/billing/change": "as above",
    "/dashboard/billing/keeping": "as above",
    "/dashboard/channels/sandbox": "there is one already; when it was opened stands in the log",
    "/dashboard/inbox": "the daily work: who wrote, closed and took over stands in the conversations themselves",
    "/dashboard/sample-data": "was loaded before, which stands in the log",
    "/dashboard/settings/second-factor": "wants a second factor of whoever asks for it; its entries are told by tests/organizations",
    "/simulator": "what people do on their phones, in development only",
}
# Routes of people who are not signed in yet, or of users alone; their entries are told by the tests of those doors.
# Of the console the deeds are written twice: tests/operator/test_deeds.py.
OUTSIDE = ("/email/", "/forgotten-password", "/invitations/", "/login", "/logout", "/operator", "/register", "/session/organization")
# After these the thing, the session or the membership is gone: what ends most comes last.
LAST = ("/team/departure", "/password", "/sessions/revocation", "deletion", "disconnection", "{member_id}/removal")
ANOTHER_OWNER = """insert into organization_members (organization_id, user_id, role)
  select %s, id, 'owner' from auth.users where email like 'tunde%%'"""
ROLES = """update organization_members m set role = case (select email from auth.users u where u.id = m.user_id) when 'maya@example.com' then 'owner'
  else 'viewer' end where organization_id = %s"""
# What a route needs besides the fields that every form has.
FITTING = {
    "/dashboard/team/members/{member_id}/restrictions": {"withheld": "conversations:oversee"},
    "/account/password": {"password": PASSWORD, "new_password": "an even better horse 43"},
    "/account/reauthentication": {"password": PASSWORD},
    "/dashboard/api-keys/new": {"key_id": str(new_id()), "scopes": "contacts:read"},
    "/dashboard/auto-replies/{rule_id}": {"trigger": "keyword"},
    "/dashboard/auto-replies/{rule_id}/position": {"to": "2"},
    "/dashboard/channels/new": {"phone_number_id": "106540352249999", "display_number": "+49 1511 2345678", "waba_id": "102290129340398"},
    "/dashboard/team/invitations": {"email": "one-more@example.org", "role": "member"},
}
# What must be so before a route has something to change.
BEFORE = {
    "POST /dashboard/settings/deletion": "delete from organization_deletions where organization_id = %s",
    "POST /dashboard/settings/deletion/undoing": "insert into organization_deletions (organization_id) values (%s) on conflict do nothing",
    "POST /dashboard/team/members/{member_id}/removal": ROLES,
    "POST /dashboard/team/members/{member_id}/role": ROLES,
    "POST /dashboard/team/members/{member_id}/restrictions": ROLES,
    "POST /dashboard/team/departure": ANOTHER_OWNER,
    "POST /dashboard/team/invitations": "update subscriptions set plan_id = 'enterprise' where organization_id = %s",
    "POST /dashboard/usage/choices": "update subscriptions set plan_id = 'starter' where organization_id = %s",
    "POST /dashboard/channels/new": "update subscriptions set plan_id = 'enterprise' where organization_id = %s",
    "POST /dashboard/auto-replies/{rule_id}/switch": "update auto_replies set enabled_at = null where organization_id = %s",
    "DELETE /dashboard/auto-replies/{rule_id}/switch": "update auto_replies set enabled_at = now() where organization_id = %s",
    "POST /dashboard/contacts/{contact_id}/block": "update contacts set blocked_at = null where organization_id = %s",
    "DELETE /dashboard/contacts/{contact_id}/block": "update contacts set blocked_at = now() where organization_id = %s",
    "POST /dashboard/contacts/{contact_id}/unblock": "update contacts set blocked_at = now() where organization_id = %s",
}


def unsafe(house: House) -> list[tuple[str, str]]:
    """The routes that can change something, those that end things last."""
    return sorted(
        ((method, path) for method, path in house.routes() if method not in ("GET", "HEAD")), key=lambda one: [one[1].endswith(end) for end in LAST] + [*one]
    )


async def newest(house: House) -> tuple[Any, ...]:
    rows = await house.owner.execute(
        "select seq, address, user_agent, request_id, actor_id from audit_logs where organization_id = %s order by seq desc limit 1", (house.shop_id,)
    )
    row = await rows.fetchone()
    assert row is not None
    return row


async def sign_in(browser: Browser) -> None:
    """With the password of before or after its change."""
    if (await browser.sign_in()).status_code != 303:
        assert (await browser.sign_in(password=FITTING["/account/password"]["new_password"])).status_code == 303


async def press(house: House, method: str, path: str) -> httpx.Response:
    """Do it as the shop's owner, with everything that it needs."""
    if before := BEFORE.get(f"{method} {path}"):
        await house.owner.execute(before, (house.shop_id,))  # type: ignore[arg-type]  # one of the above
    async with Browser(house.built) as elsewhere:  # another session, to be ended
        await sign_in(elsewhere)
        rows = await house.owner.execute("select id from private.sessions order by created_at desc limit 1")
        ((session,),) = await rows.fetchall()
    address = re.sub(r"{(session|identity|passkey)_id}", str(session), path).format_map(house.of_shop)
    hidden = hidden_fields((await house.shop.get("/account")).text) | hidden_fields((await house.shop.get("/dashboard")).text)
    proofs = {"origin": house.shop.base, "x-csrf-token": hidden["csrf_token"], "x-organization-id": hidden["organization_id"]}
    return await house.shop.client.request(method, address, headers=proofs, data=hidden | FIELDS | FITTING.get(path, {}))


async def test_every_route_that_changes_something_writes_its_entry(house: House) -> None:
    silent, routes = {}, [one for one in unsafe(house) if not one[1].startswith(tuple(NO_ENTRY))]
    assert len(routes) > 15
    for method, path in routes:
        if (await house.shop.get("/account")).status_code != 200:
            await sign_in(house.shop)
        (before, *_), answer = await newest(house), await press(house, method, path)
        seq, address, agent, request, actor = await newest(house)
        if answer.status_code >= 400 or seq <= before + 1 or None in (address, agent, request, actor):  # one is of the session elsewhere
            said = re.findall(r"(?:class=.error.|role=.status.)[^>]*>(.{0,300})", answer.text)
            silent[f"{method} {path}"] = (answer.status_code, seq - before - 1, said)
    assert silent == {}


async def test_every_reason_is_of_a_route(house: House) -> None:
    paths = {path for _, path in unsafe(house)}
    assert [prefix for prefix in NO_ENTRY if not any(path.startswith(prefix) for path in paths)] == []
    everything = {path for (method, path) in needs_of(house.built.app.routes) if method not in ("GET", "HEAD", "OPTIONS")}
    assert {path for path in everything - paths if not path.startswith(("/simulator", *OUTSIDE))} == set()


async def test_what_happened_before_stands_in_the_log(house: House) -> None:
    rows = await house.owner.execute("select action from audit_logs where organization_id = %s order by seq", (house.shop_id,))
    actions = [row[0] for row in await rows.fetchall()]
    assert actions[:4] == ["organization.created", "user.registered", "channel.connected", "sample_data.loaded"]
