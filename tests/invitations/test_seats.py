"""A pending invitation and the member it becomes are one seat; nobody sits where there is none."""

import asyncio

from tests.invitations.conftest import ADA, TEAM, Desk, accept
from tests.users.browser import PASSWORD, Browser, hidden_fields


async def test_a_pending_invitation_and_its_member_count_one_seat(desk: Desk) -> None:
    assert await desk.used() == 1
    await desk.invite()
    assert await desk.used() == 2
    async with Browser(desk.built) as ada:
        await accept(ada, await desk.link())
    assert await desk.used() == 2


async def test_taken_back_or_too_old_it_counts_none(desk: Desk) -> None:
    await desk.invite()
    await desk.maya.send(f"{TEAM}/{(await desk.ids())[0]}/revocation", page=TEAM)
    assert await desk.used() == 1
    await desk.invite()
    await desk.owner.execute("update organization_invitations set expires_at = now() - interval '1 second'")
    assert await desk.used() == 1


async def test_without_a_seat_nobody_is_invited_and_it_is_said_why(desk: Desk) -> None:
    await desk.seats(2)
    assert (await desk.invite()).status_code == 303
    assert "All seats of your plan are taken" in (await desk.maya.get(TEAM)).text
    answer = await desk.invite("bob@example.org")
    assert answer.status_code == 402 and "The plan Starter allows 2 members." in answer.text
    assert await desk.mails("bob@example.org") == [] and len(await desk.ids()) == 1


async def test_many_at_once_do_not_overshoot(desk: Desk) -> None:
    await desk.seats(3)
    answers = await asyncio.gather(*(desk.invite(f"ada{number}@example.org") for number in range(6)))
    assert sorted(answer.status_code for answer in answers) == [303, 303, 402, 402, 402, 402]
    assert await desk.used() == 3


async def test_an_old_one_is_not_sent_again_into_a_seat_that_somebody_has_taken(desk: Desk) -> None:
    await desk.seats(2)
    await desk.invite()
    (old,) = await desk.ids()
    await desk.owner.execute("update organization_invitations set expires_at = now() - interval '1 second'")
    await desk.invite("bob@example.org")
    answer = await desk.maya.send(f"{TEAM}/{old}/resend", page=TEAM)
    assert answer.status_code == 402 and await desk.used() == 2
    assert len(await desk.mails()) == 1


async def test_a_plan_that_has_shrunk_lets_in_whoever_comes_first_and_nobody_else(desk: Desk) -> None:
    for name in ("ada", "bob", "eve"):
        await desk.seats(None)
        await desk.invite(f"{name}@example.org")
    await desk.seats(2)
    links = [await desk.link(f"{name}@example.org") for name in ("ada", "bob", "eve")]
    browsers = [Browser(desk.built) for _ in links]
    hidden = [hidden_fields((await browser.get(link)).text) for browser, link in zip(browsers, links, strict=True)]
    answers = await asyncio.gather(
        *(
            browser.post(f"{link}/acceptance", fields | {"name": "Somebody", "password": PASSWORD})
            for browser, link, fields in zip(browsers, links, hidden, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [303, 402, 402]
    assert len(await desk.members()) == 2
    assert await desk.see("select count(*) from auth.users") == [(2,)]  # nor is there a user who belongs nowhere
    refused = next(number for number, answer in enumerate(answers) if answer.status_code == 402)
    assert "All seats of this organization are taken" in answers[refused].text
    await desk.seats(3)  # the invitation has stayed
    assert (await accept(browsers[refused], links[refused])).status_code == 303
    assert ADA in await desk.members() or len(await desk.members()) == 3
