"""What a request claims of itself: hosts in links that are mailed, addresses behind no proxy, origins that look like ours, scripts that are none."""

import re

import pytest

from tests.attacks.street import Street
from tests.users.browser import PASSWORD, WRONG, Browser, hidden_fields

EVIL = "evil.example"
CLAIMS = {
    "x-forwarded-host": EVIL,
    "x-host": EVIL,
    "x-original-host": EVIL,
    "x-forwarded-server": EVIL,
    "forwarded": f"for=10.0.0.1;host={EVIL};proto=https",
    "x-original-url": "/evil",
    "x-rewrite-url": "/evil",
    "x-forwarded-proto": "https",
    "x-forwarded-prefix": f"//{EVIL}",
    "referer": f"http://{EVIL}/",
}
FORGED = ("10.0.0.1", "127.0.0.1", "::1", "203.0.113.77, 127.0.0.1")


async def posted(browser: Browser, page: str, path: str, claims: dict[str, str], **fields: str) -> int:
    """Send a form with these claims; a forged Host comes with an Origin that fits it."""
    hidden = hidden_fields((await browser.get(page)).text)
    headers = {"origin": browser.base} | ({"origin": f"http://{claims['host']}"} if "host" in claims else {}) | claims
    return (await browser.client.post(path, data=hidden | fields, headers=headers)).status_code


@pytest.mark.parametrize(
    "claims", [{"host": EVIL}, {"host": f"localhost:3002@{EVIL}"}, {"host": f"{EVIL}:80"}, CLAIMS], ids=["host", "userinfo", "port", "forwarded"]
)
async def test_no_header_says_where_the_links_of_mails_lead(street: Street, claims: dict[str, str]) -> None:
    async with Browser(street.built) as eve:
        await posted(eve, "/forgotten-password", "/forgotten-password", claims, email="maya@example.com")
        await posted(eve, "/register", "/register", claims, email="new@example.com", name="New", organization_name="New", password=PASSWORD)
    await posted(street.maya, "/account/email", "/account/email", claims, email="maya.new@example.com")
    await posted(street.maya, "/dashboard/team/invitations", "/dashboard/team/invitations", claims, email="guest@example.org", role="viewer", locale="en")
    mails = await street.mails()
    assert "email_proofs/reset" in {mail.template for mail in mails} or "host" in claims
    for mail in mails:
        assert EVIL not in mail.letter.text + mail.letter.html, mail.template
        assert set(re.findall(r"https?://([^/\s\"]+)", mail.letter.text)) <= {"localhost:3002"}, mail.template


async def test_no_header_says_where_a_redirect_leads(street: Street) -> None:
    async with Browser(street.built) as eve:
        for path in (
            "/",
            "/dashboard",
            "/account",
            "/dashboard/contacts/",
            "/dashboard/",
            "/login/?next=//x",
            "/static",
            "/simulator",
            "/api/v1",
            "/login/provider",
        ):
            answer = await eve.client.get(path, headers={"host": EVIL} | {name: said for name, said in CLAIMS.items() if name != "host"})
            where = answer.headers.get("location", "")
            assert where == "" or re.match(r"/[^/\\]|/$", where), (path, where)
            assert where or answer.status_code in (401, 404), (path, answer.status_code)


async def test_a_forged_address_gives_no_further_tries_and_stands_in_no_log(street: Street) -> None:
    async with Browser(street.built, address="198.51.100.9") as eve:
        codes = []
        for n in range(14):
            claims = {
                "x-forwarded-for": f"203.0.113.{n}",
                "x-real-ip": f"203.0.113.{n}",
                "forwarded": f"for=203.0.113.{n}",
                "cf-connecting-ip": f"203.0.113.{n}",
            }
            codes.append(await posted(eve, "/login", "/login", claims, email="maya@example.com", password=WRONG))
    assert codes[-1] == 429 and 422 in codes
    assert await street.see("select 1 from audit_logs where address like '203.0.113.%%'") == []


@pytest.mark.parametrize("forged", FORGED)
async def test_the_doors_of_this_machine_do_not_open_to_who_says_he_is_on_it(street: Street, forged: str) -> None:
    async with Browser(street.built, address="198.51.100.9") as eve:
        for name in ("x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "true-client-ip"):
            for path in ("messages?to=%2B491500000000", f"faults/{street.of_maya['phone_number_id']}"):
                assert (await eve.client.get(f"/simulator/{path}", headers={name: forged})).status_code == 403, (name, path)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://localhost:3002.evil.example",
        "http://localhost:3002@evil.example",
        "http://evil.example#localhost:3002",
        "file://",
        "http://localhost:3003",
        "http://LOCALHOST:3002.",
        "//localhost:3002/..@evil.example",
        "http://localhost:3002, http://evil.example",
    ],
)
async def test_an_origin_that_looks_like_ours_is_not_ours(street: Street, origin: str) -> None:
    before = await street.state()
    for path in (f"/dashboard/contacts/{street.of_maya['contact_id']}/block", "/dashboard/sample-data", "/logout", "/account/name"):
        answer = await street.send(street.maya, path, {"name": "Taken"}, origin=origin)
        assert answer.status_code == 403, (path, answer.status_code)
    assert await street.state() == before and (await street.maya.get("/dashboard")).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"hx-request": "true"},
        {"accept": "application/json"},
        {"x-requested-with": "XMLHttpRequest"},
        {"hx-request": "true", "hx-boosted": "true"},
        {"content-type": "text/plain"},
        {"sec-fetch-site": "same-origin"},
    ],
)
async def test_no_proof_of_a_script_stands_in_for_the_proof_that_it_is_you(street: Street, claims: dict[str, str]) -> None:
    await street.owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
    before = await street.state()
    key = {"name": "x", "scopes": "contacts:read", "expires": "30", "networks": "", "key_id": street.of_maya["key_id"]}
    for path in (
        "/dashboard/api-keys/new",
        f"/dashboard/api-keys/{street.of_maya['key_id']}/revocation",
        "/dashboard/settings/archive",
        "/dashboard/settings/deletion",
        f"/dashboard/team/members/{street.of_maya['member_id']}/ownership",
        "/account/email",
        "/account/authenticator",
    ):
        for query in ("", "?next=/dashboard&fresh=1&again"):
            answer = await street.send(street.maya, path + query, key | {"fresh": "1", "is_fresh": "true", "confirmation": "lagos-glow-salon"}, **claims)
            assert answer.status_code in (303, 401, 403, 204), (path, answer.status_code)
            where = answer.headers.get("location", "") + answer.headers.get("hx-redirect", "")
            assert answer.status_code in (401, 403) or where.startswith("/account/reauthentication"), (path, where)
    assert await street.state() == before


async def test_a_proof_in_one_browser_is_none_in_another(street: Street) -> None:
    async with Browser(street.built) as second:
        assert (await second.sign_in()).status_code == 303
        await street.owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
        assert (await street.maya.send("/account/reauthentication", page="/account/reauthentication", password=PASSWORD)).status_code == 303
        assert (await street.maya.get("/dashboard/api-keys/new")).status_code == 200
        assert (await second.get("/dashboard/api-keys/new")).headers["location"].startswith("/account/reauthentication")


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "/%09/evil.example\n",
        "javascript:alert(1)",
        "/\x00/evil.example",
        " //evil.example",
        "/dashboard\r\nset-cookie: a=b",
        "///evil.example",
        "http:evil.example",
        "/@evil.example/../..//x",
    ],
)
async def test_whatever_next_says_one_stays_on_this_site(street: Street, wanted: str) -> None:
    async with Browser(street.built) as eve:
        hidden = hidden_fields((await eve.get("/login")).text)
        places = [(await eve.post("/login", hidden | {"email": "maya@example.com", "password": PASSWORD, "next": wanted})).headers["location"]]
        places += [
            (await street.send(eve, path, {"next": wanted, "back": wanted, "password": PASSWORD})).headers.get("location", "/")
            for path in ("/account/reauthentication", "/account/email/verification", "/session/organization", "/logout")
        ]
    for place in places:
        assert place.startswith("/") and not re.match(r"/[/\\\s]", place) and "\n" not in place and "\r" not in place, place
        assert "set-cookie" not in place.lower() or "%0" in place
