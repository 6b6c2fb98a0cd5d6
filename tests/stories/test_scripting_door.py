"""The simulator's door for scripts, inside the running product: this machine's programs and nobody else."""

from typing import Any

import pytest

from tests.product import LENA, Shop
from tests.stories.conftest import Backstage


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-for": "203.0.113.5", "x-forwarded-proto": "https"},
        {"forwarded": "for=127.0.0.1"},
        {"x-real-ip": "127.0.0.1"},
        {"host": "frontdesk.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "203.0.113.5:3002"},
    ],
    ids=str,
)
async def test_who_claims_to_be_here_or_comes_by_another_name_is_refused(shop: Shop, backstage: Backstage, headers: dict[str, str]) -> None:
    body = {"to": shop.phone_number_id, "from": LENA, "text": "forged"}
    asked = [
        await shop.door.post("inbound", json=body, headers=headers),
        await shop.door.get("messages", params={"to": LENA}, headers=headers),
        await shop.door.delete("messages", headers=headers),
        await shop.door.put(f"faults/{shop.phone_number_id}", json={"lose": True}, headers=headers),
    ]
    assert [answer.status_code for answer in asked] == [403] * 4
    await shop.hears("mine")
    assert await backstage.stored(shop, 1) == ["mine"]


@pytest.mark.parametrize("form", [{"data": {"to": "1"}}, {"content": b'{"to": "1"}', "headers": {"content-type": "text/plain"}}], ids=["form", "plain text"])
async def test_what_a_website_could_send_unasked_is_refused(shop: Shop, form: dict[str, Any]) -> None:
    assert (await shop.door.post("inbound", **form)).status_code == 415


async def test_the_simulated_graph_api_wants_the_numbers_own_token(shop: Shop, neighbour: Shop) -> None:
    for token in ({}, {"authorization": "Bearer guess"}):
        answer = await shop.door.post(f"graph/v26.0/{neighbour.phone_number_id}/messages", json={}, headers=token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)
