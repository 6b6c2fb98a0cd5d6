"""Addresses: another organization named in the query, odd spellings, other methods, places in foreign lists, signs that SQL reads."""

from urllib.parse import quote

import pytest

from tests.attacks.street import Street, gives_away
from tests.test_strangers import SECRET

ABOUT = ("contacts/{contact_id}", "inbox/{conversation_id}", "inbox/{conversation_id}/messages", "auto-replies/{rule_id}", "team/members/{member_id}")
LISTS = ("", "/inbox", "/inbox/list", "/contacts", "/auto-replies", "/channels", "/team", "/team/invitations", "/api-keys", "/audit", "/billing", "/settings")


async def test_naming_the_organization_in_the_address_moves_nobody_there(street: Street) -> None:
    named = "&".join(f"{word}={street.shop_id}" for word in ("organization_id", "organization", "org", "tenant", "current"))
    for page in LISTS:
        answer = await street.olga.get(f"/dashboard{page}?{named}&slug=lagos-glow-salon")
        assert answer.status_code == 200 and gives_away(street, answer) == [], page
    moved = await street.send(street.olga, "/session/organization", {"to": str(street.shop_id)})
    assert moved.status_code == 404
    assert "Moretti" in (await street.olga.get("/dashboard")).text


async def test_naming_the_organization_in_a_header_stops_the_request_and_changes_no_organization(street: Street) -> None:
    for page in LISTS:
        answer = await street.olga.client.get(f"/dashboard{page}", headers={"x-organization-id": str(street.shop_id)})
        assert answer.status_code == 409 and gives_away(street, answer) == [], page


async def test_however_an_id_of_the_neighbour_is_spelled_it_is_not_there(street: Street) -> None:
    for page in ABOUT:
        word = page.split("{")[1].split("}")[0]
        one = street.of_maya[word]
        for spelled in (one.upper(), one.replace("-", ""), f"{{{one}}}", f"urn:uuid:{one}", f"{one}%00", f"{one}.json", f"{one}%20",
                        quote(f"../{word}/{one}", safe=""),
                        f"{one};x=1", f"{one}%2f..%2f{one}", f".%2f{one}"):  # fmt: skip
            answer = await street.olga.get("/dashboard/" + page.replace(f"{{{word}}}", spelled))
            assert answer.status_code in (404, 422), (page, spelled, answer.status_code)
            assert SECRET not in answer.text, (page, spelled)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "PATCH", "PUT", "DELETE"])
async def test_other_methods_tell_the_neighbours_ids_from_none_at_all_by_nothing(street: Street, method: str) -> None:
    before = await street.state()
    for page in ABOUT:
        path, nowhere = page.format_map(street.of_maya), page.format_map(dict.fromkeys(street.of_maya, "01a21e9c-8d79-7056-afa1-0fe180a32fe3"))
        proof = {"origin": street.olga.base}
        there, missing = [await street.olga.client.request(method, f"/dashboard/{one}", headers=proof) for one in (path, nowhere)]
        assert there.status_code == missing.status_code >= 400, (method, page)
        assert len(there.content) == len(missing.content) and set(there.headers) == set(missing.headers), (method, page)
    assert await street.state() == before


async def test_a_method_that_is_only_claimed_is_not_believed(street: Street) -> None:
    before = await street.state()
    claimed = dict.fromkeys(("x-http-method-override", "x-http-method", "x-method-override"), "DELETE")
    for browser in (street.olga, street.maya):
        answer = await browser.client.get(f"/dashboard/auto-replies/{street.of_maya['rule_id']}?_method=DELETE", headers=claimed)
        assert answer.status_code == (404 if browser is street.olga else 200)
    assert await street.state() == before


async def test_a_place_in_the_neighbours_lists_is_no_way_into_them(street: Street) -> None:
    of = street.of_maya
    ((seen, last),) = await street.see("select max(last_seen_at), max(last_message_at) from contacts c join conversations v using (organization_id)"
                                       " where organization_id = %s", street.shop_id)  # fmt: skip
    places = [one for word, one in of.items() if word != "phone_number_id"]
    places += [f"{moment.timestamp():.6f}.{one}" for moment in (seen, last) for one in places] + [
        f"{moment.isoformat()}~{one}" for moment in (seen, last) for one in places
    ]
    for page in LISTS:
        for place in places[:24]:
            answer = await street.olga.client.get(f"/dashboard{page}", params={"after": place, "before": place, "from": place, "limit": "500"})
            assert answer.status_code in (200, 404, 422) and gives_away(street, answer) == [], (page, place)


async def test_a_thread_is_not_read_on_from_a_message_of_the_neighbour(street: Street) -> None:
    ((own,),) = await street.see("select conversation_id from messages where organization_id = %s limit 1", street.olgas_id)
    for word in ("message_id", "conversation_id"):
        for name in ("from", "before", "since"):
            answer = await street.olga.client.get(f"/dashboard/inbox/{own}/messages", params={name: street.of_maya[word]})
            assert answer.status_code in (200, 404) and gives_away(street, answer) == [], (word, name)


async def test_a_conversation_of_ones_own_does_not_lend_its_address_to_a_neighbours_message(street: Street) -> None:
    ((own,),) = await street.see("select conversation_id from messages where organization_id = %s limit 1", street.olgas_id)
    before = await street.state()
    answer = await street.send(street.olga, f"/dashboard/inbox/{own}/messages/{street.of_maya['message_id']}/resend")
    assert answer.status_code == 404 and await street.state() == before


@pytest.mark.parametrize("sign", ["%", "_", "%%", "\\", "' or '1'='1", "%' or organization_id is not null --", "*", "(.*)", "\u202e%"])
async def test_signs_that_sql_reads_are_letters_in_a_search(street: Street, sign: str) -> None:
    for page in ("/contacts", "/inbox/list", "/team", "/api-keys", "/audit", "/auto-replies"):
        answer = await street.olga.client.get(f"/dashboard{page}", params={"q": sign, "actor": sign, "target": sign, "action": sign})
        assert answer.status_code == 200 and gives_away(street, answer) == [], page
    await street.owner.execute("update contacts set name = 'Plain', given_name = 'Plain', search_text = 'plain' where organization_id = %s", (street.olgas_id,))
    assert "Plain" not in (await street.olga.client.get("/dashboard/contacts", params={"q": f"pl{sign}in"})).text.split("<tbody")[-1]
