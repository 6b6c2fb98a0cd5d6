"""May this token speak for this number? What each of WhatsApp's answers says, and what none of them says."""

import json
import socket
from contextlib import closing
from typing import Any

import pytest

from frontdesk.channels.cloud_api import Session, number_url, prove
from frontdesk.channels.cloud_api.client import Answer
from frontdesk.channels.cloud_api.proof import verdict
from tests.channels.cloud_api.servers import Serve, answers, hang_after_request

NUMBER = "106540352242922"


def answer(status: int, body: Any) -> Answer:
    return Answer(status, None, body if isinstance(body, bytes) else json.dumps(body).encode())


def refusal(code: Any, subcode: int | None = None) -> dict[str, Any]:
    return {"error": {"message": "…", "type": "OAuthException", "code": code, "error_subcode": subcode}}


def test_the_address_of_a_question() -> None:
    assert number_url("https://graph.facebook.com/", "v26.0", "106") == "https://graph.facebook.com/v26.0/106?fields=id,display_phone_number,verified_name"


def test_the_same_id_is_the_proof() -> None:
    assert verdict(answer(200, {"id": NUMBER, "display_phone_number": "+1 631-555-5555", "verified_name": "Lucky Shrub"}), NUMBER) == "proven"
    for other in ("106540352242923", int(NUMBER), None, [NUMBER]):
        assert verdict(answer(200, {"id": other}), NUMBER) == "not its number"


@pytest.mark.parametrize(
    ("status", "code", "subcode"), [(401, 190, None), (400, 190, 463), (401, 0, None), (401, None, None), (400, 463, None), (400, 102, None)]
)
def test_a_token_that_is_no_good(status: int, code: int | None, subcode: int | None) -> None:
    assert verdict(answer(status, refusal(code, subcode)), NUMBER) == "bad token"


@pytest.mark.parametrize(
    ("status", "code", "subcode"),
    [
        (400, 100, 33),
        (400, 100, None),
        (403, 10, None),
        (403, 200, None),
        (403, 299, None),
        (400, 33, None),
        (404, 803, None),
        (400, 3, None),
        (403, None, None),
    ],
)
def test_a_number_out_of_reach(status: int, code: int | None, subcode: int | None) -> None:
    assert verdict(answer(status, refusal(code, subcode)), NUMBER) == "not its number"


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, refusal(1)), (503, refusal(2)), (500, refusal(100)), (400, refusal(2)), (400, refusal(4)), (403, refusal(17)), (400, refusal(613)),
     (429, refusal(80007)), (429, refusal(None)), (502, b"<html>"), (403, b"<html>"), (404, b""), (401, {}), (200, b"<html>"), (200, {}), (200, []),
     (307, {"id": NUMBER}), (500, {"id": NUMBER})],
)  # fmt: skip
def test_what_says_nothing_about_the_number(status: int, body: Any) -> None:
    assert verdict(answer(status, body), NUMBER) == "no answer"


async def test_a_server_that_hangs_is_away_or_is_no_server_gives_no_answer(serve: Serve) -> None:
    async with Session(timeout=0.3) as session:
        assert await prove(session, (await serve(hang_after_request)).url, "T", NUMBER) == "no answer"
        with closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", 0))  # bound, but not listening
            assert await prove(session, f"http://127.0.0.1:{taken.getsockname()[1]}/", "T", NUMBER) == "no answer"
        assert await prove(session, "nowhere", "T", NUMBER) == "no answer"
        assert await prove(session, (await serve(answers)).url, "T\nX: y", NUMBER) == "no answer"
