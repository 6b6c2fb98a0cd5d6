"""The phone in the browser: only one's own numbers, and everything live."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from frontdesk.channels.simulator import SandboxNumber
from tests.channels.simulator.stage import Stage, Stages

OURS = SandboxNumber("109400000004217", "+1 555 010 4217", "Lagos Glow Salon")
THEIRS = SandboxNumber("109400000004218", "+1 555 010 4218", "Moretti Calzature")
HERE = f"/phones/{OURS.phone_number_id}"


async def numbers(request: Any) -> Sequence[SandboxNumber]:
    """Whoever has the cookie may use our number, nobody may use theirs."""
    return [OURS] if request.cookies.get("who") == "us" else []


async def find(phone_number_id: str) -> SandboxNumber | None:
    return {one.phone_number_id: one for one in (OURS, THEIRS)}.get(phone_number_id)


@pytest.fixture
async def owned(stages: Stages) -> AsyncIterator[Stage]:
    async with stages(numbers=numbers, find=find) as stage:
        stage.client.cookies.set("who", "us")
        yield stage


async def submit(stage: Stage, path: str, **fields: str) -> httpx.Response:
    """Send a form as a page of ours does."""
    page = (await stage.client.get(HERE)).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    return await stage.client.post(path, data={"csrf_token": token[1], "as": "+4915112345678", **fields})


async def test_the_list_shows_the_visitors_own_numbers(owned: Stage) -> None:
    page = (await owned.client.get("/")).text
    assert re.findall(r'data-phone-number-id="(\d+)"', page) == [OURS.phone_number_id]
    assert "Lagos Glow Salon" in page and "Moretti" not in page


async def test_whoever_has_no_number_is_told_how_to_get_one(owned: Stage) -> None:
    owned.client.cookies.clear()
    page = (await owned.client.get("/")).text
    assert "data-phone-number-id" not in page and "No number yet" in page


@pytest.mark.parametrize("path", ["", "/log", "/told", "/events"])
async def test_other_numbers_are_not_there(owned: Stage, path: str) -> None:
    assert (await owned.client.get(f"/phones/{THEIRS.phone_number_id}{path}")).status_code == 404
    owned.client.cookies.clear()
    assert (await owned.client.get(f"{HERE}{path}")).status_code == 404


@pytest.mark.parametrize("path", ["/messages", "/reactions", "/people", "/receipts", "/faults"])
async def test_other_numbers_cannot_be_changed(owned: Stage, path: str) -> None:
    answer = await submit(owned, f"/phones/{THEIRS.phone_number_id}{path}", text="hi", duplicate="on")
    assert answer.status_code == 404
    assert owned.ear.heard == []


@pytest.mark.parametrize("path", ["/messages", "/reactions", "/people", "/receipts", "/faults"])
async def test_a_form_without_its_token_does_nothing(owned: Stage, path: str) -> None:
    answer = await owned.client.post(f"{HERE}{path}", data={"as": "+4915112345678", "text": "hi", "duplicate": "on"})
    assert answer.status_code == 403


async def test_what_is_typed_reaches_the_business_and_the_chat(owned: Stage) -> None:
    assert (await submit(owned, f"{HERE}/messages", text="Is it <b>open</b>?")).status_code == 303
    (message,) = await owned.eventually(lambda: owned.ear.messages)
    assert message["text"]["body"] == "Is it <b>open</b>?"
    page = (await owned.client.get(f"{HERE}?as=%2B4915112345678")).text
    assert "Is it &lt;b&gt;open&lt;/b&gt;?" in page


async def test_ticks_follow_the_business(owned: Stage) -> None:
    async def ticks() -> list[str]:
        log = (await owned.client.get(f"{HERE}/log?as=%2B4915112345678")).text
        return re.findall(r'visually-hidden">(sent|delivered|read)<', log)

    owned.ear.answers = [503] * 3
    wamid = await owned.write("hi")
    assert await ticks() == ["sent"]

    async def delivered() -> bool:
        return await ticks() == ["delivered"]

    await owned.eventually(delivered)
    await owned.send({"messaging_product": "whatsapp", "status": "read", "message_id": wamid})
    assert await ticks() == ["read"]


async def test_the_business_is_seen_typing_until_it_answers(owned: Stage) -> None:
    wamid = await owned.write("hi")
    read = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": wamid,
        "typing_indicator": {"type": "text"},
    }
    await owned.send(read)
    assert "typing…" in (await owned.client.get(f"{HERE}/log?as=%2B4915112345678")).text
    await owned.send()
    assert "typing…" not in (await owned.client.get(f"{HERE}/log?as=%2B4915112345678")).text


async def test_reactions_can_be_given_and_taken_back(owned: Stage) -> None:
    await owned.write("hi")
    wamid = (await owned.send()).json()["messages"][0]["id"]
    for emoji in ("❤️", ""):
        assert (await submit(owned, f"{HERE}/reactions", message_id=wamid, emoji=emoji)).status_code == 303
    await owned.eventually(lambda: len(owned.ear.messages) == 3)
    assert [message["reaction"]["emoji"] for message in owned.ear.messages[1:]] == ["❤️", ""]
    elsewhere = await submit(owned, f"{HERE}/reactions", message_id="wamid.unknown", emoji="❤️")
    assert elsewhere.status_code == 404
    assert (await submit(owned, f"{HERE}/reactions", message_id=wamid, emoji="hello")).status_code == 422


async def test_one_can_become_anybody(owned: Stage) -> None:
    known = await submit(owned, f"{HERE}/people", name="Amina Okafor", number="+234 803 555 0142")
    assert known.headers["location"].endswith(f"{HERE}?as=%2B2348035550142")
    hidden = await submit(owned, f"{HERE}/people", name="Sheena Nelson", number="", hidden="on")
    assert hidden.headers["location"].endswith(f"{HERE}?as=%40sheena.nelson")
    page = (await owned.client.get(hidden.headers["location"].removeprefix("/simulator"))).text
    assert "Message as Sheena Nelson" in page


@pytest.mark.parametrize(
    ("name", "username"),
    [("Jürgen Müller", r"jurgen\.muller"), ("  O'Brien  & Søn ", r"[a-z.]+"), ("李雷", r"user\.[0-9]{8}"), ("A", r"user\.[0-9]{8}"), ("x" * 200, r"x{35}")],
)
async def test_every_name_makes_a_username(owned: Stage, name: str, username: str) -> None:
    hidden = await submit(owned, f"{HERE}/people", name=name, number="", hidden="on")
    assert re.search(rf"\?as=%40{username}$", hidden.headers["location"]), hidden.headers["location"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"name": "", "number": "+49 1511 2345678"}, "name"), ({"name": "A", "number": "12"}, "number")],
)
async def test_nobody_is_made_of_bad_input(owned: Stage, fields: dict[str, str], field: str) -> None:
    answer = await submit(owned, f"{HERE}/people", **fields)
    assert answer.status_code == 422
    assert f'aria-describedby="{field}-help"' in answer.text


async def test_without_read_receipts_nobody_learns_what_was_read(owned: Stage) -> None:
    await owned.write("hi")
    await submit(owned, f"{HERE}/receipts")
    await owned.send()
    await owned.eventually(lambda: len(owned.ear.statuses) == 2)
    await asyncio.sleep(0.1)
    assert [status["status"] for status in owned.ear.statuses] == ["sent", "delivered"]


async def test_faults_are_switched_on_the_page(owned: Stage) -> None:
    await submit(owned, f"{HERE}/faults", duplicate="on", drop="on")
    faults = (await owned.client.get(f"/faults/{OURS.phone_number_id}")).json()
    assert faults == {"duplicate": {"count": None}, "drop": {"count": None, "seconds": 5, "every": 10}}
    page = (await owned.client.get(HERE)).text
    assert "2 on" in page
    await submit(owned, f"{HERE}/faults")
    assert (await owned.client.get(f"/faults/{OURS.phone_number_id}")).json() == {}


async def test_the_log_shows_raw_bodies(owned: Stage) -> None:
    await owned.write("Grüße")
    await owned.eventually(lambda: owned.ear.messages)
    told = (await owned.client.get(f"{HERE}/told")).text
    assert "message “Grüße”" in told and r"Gr\u00fc\u00dfe" in told


async def test_open_pages_are_told_when_something_changes(owned: Stage) -> None:
    async with owned.client.stream("GET", f"{HERE}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = stream.aiter_lines()
        assert await _next_event(events) == "changed"
        await owned.write("hi")
        assert await _next_event(events) == "changed"


async def test_pages_say_nothing_inline(owned: Stage) -> None:
    await owned.write("hi")
    await owned.send()
    for path in ("/", HERE):
        answer = await owned.client.get(path)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert " style=" not in answer.text and "<script>" not in answer.text and " onclick=" not in answer.text


async def _next_event(lines: AsyncIterator[str]) -> str:
    async with asyncio.timeout(5):
        async for line in lines:
            if line.startswith("event: "):
                return line.removeprefix("event: ")
    raise AssertionError("the stream ended")
