"""How often a key may call, over all processes; and an address with keys that are none."""

from frontdesk.api.credentials import new_key
from frontdesk.settings import Settings
from tests.api.desk import Desk, opened
from tests.world import World

FAILURES_PER_MINUTE = 30
NAMES = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


async def test_every_answer_says_how_many_calls_are_left(desk: Desk) -> None:
    async with await desk.program("contacts:read") as program:
        for path, status in (("/contacts", 200), ("/organization", 403), ("/contacts/none", 404), ("/contacts?limit=x", 422)):
            answer = await program.get(path)
            assert answer.status_code == status
            assert all(name in answer.headers for name in NAMES), path
        assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]) == ("600", "596")
        assert 1 <= int(answer.headers["ratelimit-reset"]) <= 60


async def test_a_key_that_calls_too_often_waits_and_others_do_not(settings: Settings, world: World) -> None:
    async with opened(settings, world, api_calls_per_minute=3) as desk, opened(settings, world, api_calls_per_minute=3) as process:
        key = (await desk.make_key())[1]
        async with desk.with_key(key) as program, process.with_key(key) as elsewhere, await desk.program() as other:
            assert [(await one.get("/organization")).status_code for one in (program, elsewhere, program, elsewhere)] == [200, 200, 200, 429]
            refused = await program.post("/auto-replies", {"name": "x", "trigger": "fallback", "reply": "x"})
            assert (refused.status_code, refused.headers["ratelimit-remaining"]) == (429, "0")
            assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
            assert (await other.get("/organization")).status_code == 200
            await desk.rows("update private.api_calls set window_ends_at = now() returning 1")
            assert (await program.get("/organization")).status_code == 200


async def test_an_address_that_tries_keys_is_stopped_and_its_neighbours_with_real_ones_are_not(desk: Desk) -> None:
    async with desk.with_key(new_key()) as guesser, await desk.program() as program:
        for n in range(FAILURES_PER_MINUTE):
            answer = await guesser.get("/organization")
            assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (401, str(FAILURES_PER_MINUTE - n - 1))
        stopped = await guesser.get("/organization")
        assert (stopped.status_code, "retry-after" in stopped.headers) == (429, True)
        assert (await program.get("/organization")).status_code == 200
    async with desk.with_key(new_key(), "203.0.113.6") as elsewhere:
        assert (await elsewhere.get("/organization")).status_code == 401


async def test_minutes_that_are_over_are_swept_up(desk: Desk) -> None:
    await desk.world.owner.execute(
        "insert into private.api_calls (subject, calls, window_ends_at)"
        " select sha256(n::text::bytea), 1, now() - interval '1 hour' from generate_series(1, 150) as n"
    )
    waiting, calls = 150, 0
    while waiting == 150 and calls < 5_000:  # one call in fifty sweeps
        await desk.world.database.call("select private.admit_api_call(%(none)s, null, %(none)s, 1, 1)", {"none": bytes(32)})
        ((waiting,),), calls = await desk.rows("select count(*) from private.api_calls where window_ends_at < now()"), calls + 1
    assert waiting == 50
