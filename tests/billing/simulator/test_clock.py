"""The clock, and the settings of the account, through the scripting door."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from frontdesk.billing.simulator.periods import DAY
from tests.billing.simulator.market import fresh, now, subscribe
from tests.billing.simulator.stage import Stage


async def post(stage: Stage, path: str, json: Any, method: str = "POST") -> Any:
    return await stage.http.request(method, f"/_test/{path}", json=json)


async def test_a_month_goes_by_in_one_call(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    went = (await post(stage, "advance", {"seconds": 32 * DAY, "patient": True})).json()
    assert [one["what"] for one in went["happened"]] == ["renewal notice", "renewal", "draft becomes an invoice"]
    assert (await fresh(stage, made)).latest_invoice.status == "paid"
    clock = (await stage.http.get("/_test/clock")).json()
    assert clock["now"] == pytest.approx(went["now"], abs=2) and clock["next"] > clock["now"]
    again = (await post(stage, "advance", {"to": "next"})).json()
    assert [one["what"] for one in again["happened"]] == ["renewal notice"]
    assert again["now"] == pytest.approx(clock["next"], abs=1)


async def test_whoever_counts_days_himself_is_told_how_far_the_clock_is_turned(stage: Stage) -> None:
    told, shown = list[int](), list[int]()

    async def passes(seconds: int, shows: int) -> None:
        told.append(seconds)
        shown.append(shows)

    stage.account.settings = replace(stage.account.settings, time_passes=passes)
    await subscribe(stage, "professional")
    await post(stage, "advance", {"seconds": 32 * DAY, "patient": True})
    assert len(told) == 4 and sum(told) == pytest.approx(32 * DAY, abs=5)  # the notice, the renewal, the hour of its draft, and what is left
    await post(stage, "advance", {"seconds": DAY})
    assert len(told) == 4  # nobody watches
    until = await now(stage) + 40 * DAY
    await asyncio.gather(*(post(stage, "advance", {"until": until - n, "patient": True}) for n in range(2)))  # two tabs
    assert shown == sorted(shown) and shown[-1] == pytest.approx(until, abs=5)
    await stage.http.request("DELETE", "/_test/account")
    assert told[-1] == 0 and shown[-1] == pytest.approx(await now(stage), abs=5)  # the clock shows the real time again


@pytest.mark.parametrize("wanted", [{}, [], {"seconds": -1}, {"seconds": "1"}, {"seconds": 1e99}, {"until": 5}, {"seconds": True}, {"seconds": None}])
async def test_the_clock_goes_forward_only(stage: Stage, wanted: Any) -> None:
    before = await now(stage)
    assert (await post(stage, "advance", wanted)).status_code == 422
    assert await now(stage) - before <= 1


async def test_settings_are_kept_and_checked(stage: Stage) -> None:
    assert (await stage.http.get("/_test/settings")).json() == {"retry_days": [3, 7, 14, 21], "after_retries": "cancel", "upcoming_days": 7}
    changed = await post(stage, "settings", {"retry_days": [1, 2], "after_retries": "unpaid"}, "PUT")
    assert changed.json() == {"retry_days": [1, 2], "after_retries": "unpaid", "upcoming_days": 7}
    for wrong, field in (
        ({"retry_days": [3, 2]}, "retry_days"),
        ({"after_retries": "hope"}, "after_retries"),
        ({"upcoming_days": 0}, "upcoming_days"),
        ({"x": 1}, "x"),
    ):
        refused = await post(stage, "settings", wrong, "PUT")
        assert (refused.status_code, refused.json()["field"]) == (422, field)
