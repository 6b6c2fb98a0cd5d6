"""What we say to the Cloud API, and what we make of its answers."""

import json
from typing import Any
from uuid import UUID

import pytest

from frontdesk.channels.cloud_api import Session, messages_url, reaction, read_receipt, speak, text
from frontdesk.channels.cloud_api.client import Answer
from frontdesk.channels.cloud_api.send import outcome
from frontdesk.channels.records import Accepted, Outcome, Refused, Uncertain, Unreached
from tests.channels.cloud_api.servers import Call, Serve, answers, hang_after_request

OURS = UUID("0199a5b0-1111-7222-8333-444455556666")


def test_a_text_to_a_number() -> None:
    assert text("Hi", phone="49301", bsuid="DE.1", message_id=OURS) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "49301",
        "type": "text",
        "text": {"body": "Hi", "preview_url": False},
        "biz_opaque_callback_data": str(OURS),
    }


def test_a_text_to_somebody_without_a_number_that_quotes_a_message() -> None:
    assert text("Hi", phone=None, bsuid="US.1", reply_to="wamid.1") == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient": "US.1",
        "type": "text",
        "text": {"body": "Hi", "preview_url": False},
        "context": {"message_id": "wamid.1"},
    }


@pytest.mark.parametrize("emoji", ["👍", ""])
def test_a_reaction(emoji: str) -> None:
    found = reaction(emoji, reacts_to="wamid.1", phone="49301", bsuid=None, message_id=OURS)
    assert (found["to"], found["type"], found["biz_opaque_callback_data"]) == ("49301", "reaction", str(OURS))
    assert found["reaction"] == {"message_id": "wamid.1", "emoji": emoji}


def test_a_read_receipt() -> None:
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    assert read_receipt("wamid.1") == receipt
    assert read_receipt("wamid.1", typing=True) == receipt | {"typing_indicator": {"type": "text"}}


def test_a_message_to_nobody_is_not_built() -> None:
    with pytest.raises(ValueError, match="phone number or a BSUID"):
        text("Hi", phone=None, bsuid="")


@pytest.mark.parametrize("graph_url", ["https://graph.facebook.com", "https://graph.facebook.com/"])
def test_the_address_of_a_number(graph_url: str) -> None:
    assert messages_url(graph_url, "v26.0", "106") == "https://graph.facebook.com/v26.0/106/messages"


BODY = text("Hi", phone="49301", bsuid=None)


def judged(status: int, body: Any, *, request: dict[str, Any] = BODY, retry_after: str | None = None) -> Outcome:
    return outcome(Answer(status, retry_after, body if isinstance(body, bytes) else json.dumps(body).encode()), request)


def refusal(code: Any, **more: Any) -> dict[str, Any]:
    return {"error": {"message": f"(#{code}) Some error", "type": "OAuthException", "code": code, "fbtrace_id": "x"} | more}


def test_an_accepted_message_brings_its_id_and_the_number_as_whatsapp_writes_it() -> None:
    body = {"contacts": [{"input": "+5511987654321", "wa_id": "551187654321"}], "messages": [{"id": "wamid.1"}]}
    assert judged(200, body) == Accepted("wamid.1", "551187654321")


def test_a_message_to_a_bsuid_is_accepted_without_a_number() -> None:
    body = {"contacts": [{"input": "US.1", "user_id": "US.1"}], "messages": [{"id": "wamid.1"}]}
    assert judged(200, body) == Accepted("wamid.1", None)


@pytest.mark.parametrize(
    "body",
    [
        {}, [], None, {"messages": []}, {"messages": [{}]}, {"messages": [{"id": ""}]}, {"messages": {"id": "x"}},
        {"success": True}, b"", b"OK", b"<html></html>", b'{"messages":[{"id":"wamid', b"\xff",
    ],
)  # fmt: skip
def test_an_acceptance_without_an_id_is_uncertain(body: Any) -> None:
    assert isinstance(judged(200, body), Uncertain)


def test_a_read_receipt_is_accepted_by_success() -> None:
    assert judged(200, {"success": True}, request=read_receipt("wamid.in")) == Accepted("wamid.in", None)
    assert isinstance(judged(200, {"success": False}, request=read_receipt("wamid.in")), Uncertain)


@pytest.mark.parametrize("status", [200, 400, 429, 500, 503])
@pytest.mark.parametrize(
    ("code", "action", "wait"),
    [
        (130429, "slow", 1.0),
        ("130429", "slow", 1.0),
        (131056, "pair", None),
        (190, "stop", None),
        (131026, "fail", None),
        (2, "retry", 5.0),
    ],
)
def test_a_known_code_decides_whatever_the_http_status(status: int, code: Any, action: str, wait: float | None) -> None:
    assert judged(status, refusal(code)) == Refused(int(code), "Some error", action, wait)  # type: ignore[arg-type] # a literal


def test_a_number_that_is_not_ours_stops_the_channel() -> None:
    found = judged(400, refusal(100, error_subcode=33))
    assert isinstance(found, Refused)
    assert found.action == "stop"


@pytest.mark.parametrize(("status", "action"), [(400, "fail"), (401, "stop"), (403, "stop"), (404, "fail"), (429, "slow"), (200, "fail")])
def test_an_unknown_code_is_judged_by_the_http_status(status: int, action: str) -> None:
    for error in (refusal(999_999), refusal(None), refusal("?")):
        found = judged(status, error)
        assert isinstance(found, Refused)
        assert found.action == action


@pytest.mark.parametrize("body", [refusal(999_999), refusal(None), {}, b"<html>502 Bad Gateway</html>", b""])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_without_a_known_code_is_uncertain(status: int, body: Any) -> None:
    assert isinstance(judged(status, body), Uncertain)


@pytest.mark.parametrize(
    ("status", "action"),
    [(301, "retry"), (307, "retry"), (403, "retry"), (404, "retry"), (413, "retry"), (429, "slow")],
)
def test_a_refusal_that_is_not_in_metas_form_does_not_stop_the_channel(status: int, action: str) -> None:
    found = judged(status, b"<html>Forbidden</html>")
    assert isinstance(found, Refused)
    assert (found.code, found.action) == (status, action)


def test_a_request_that_timed_out_at_the_server_is_uncertain() -> None:
    assert isinstance(judged(408, b""), Uncertain)


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        (None, 1.0),
        ("7", 7.0),
        ("0", 1.0),
        ("99999999", 86_400.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("²", 1.0),
        ("9" * 400, 1.0),
    ],
)
def test_the_server_may_ask_for_a_longer_wait(retry_after: str | None, wait: float) -> None:
    found = judged(429, refusal(130429), retry_after=retry_after)
    assert isinstance(found, Refused)
    assert found.retry_after == wait


def test_the_explanation_is_the_most_precise_there_is_and_fit_to_be_kept() -> None:
    details = {"messaging_product": "whatsapp", "details": "Recipient not in allowed list\0\ud83d" + "!" * 1000}
    found = judged(400, refusal(131030, error_data=details))
    assert isinstance(found, Refused)
    assert found.text.startswith("Recipient not in allowed list\ufffd\ufffd!")
    assert len(found.text) == 500


async def test_a_message_is_spoken_and_accepted(serve: Serve) -> None:
    server = await serve(answers)
    async with Session() as session:
        assert await speak(session, server.url, "TOKEN", BODY) == Accepted("wamid.1", "49301")
    assert json.loads(server.calls[0][1]) == BODY


async def test_a_throttled_message_is_refused_with_the_wait_that_was_asked(serve: Serve) -> None:
    async def graph(call: Call) -> None:
        await call.request()
        await call.answer(400, json.dumps(refusal(130429)).encode(), "Retry-After: 9\r\n")

    async with Session() as session:
        found = await speak(session, (await serve(graph)).url, "TOKEN", BODY)
    assert found == Refused(130429, "Some error", "slow", 9.0)


async def test_a_silent_server_leaves_the_message_uncertain(serve: Serve) -> None:
    async with Session(timeout=0.3) as session:
        assert isinstance(await speak(session, (await serve(hang_after_request)).url, "TOKEN", BODY), Uncertain)


async def test_an_absent_server_leaves_the_message_unsent() -> None:
    async with Session(timeout=1.0) as session:
        assert isinstance(await speak(session, "http://frontdesk.invalid/", "TOKEN", BODY), Unreached)


async def test_a_mangled_token_stops_the_channel_without_being_shown() -> None:
    async with Session() as session:
        found = await speak(session, "http://localhost:1/", "SECRET\n", BODY)
    assert isinstance(found, Refused)
    assert (found.action, "SECRET" in found.text) == ("stop", False)


async def test_a_text_that_is_no_unicode_fails_alone() -> None:
    async with Session() as session:
        found = await speak(session, "http://localhost:1/", "TOKEN", text("\ud800", phone="49", bsuid=None))
    assert isinstance(found, Refused)
    assert found.action == "fail"
