"""What a restricted member may not see costs those pages a look at a key for each row, and no walk through an organization."""

from collections.abc import AsyncIterator, Iterator

import pytest

from frontdesk import contacts
from frontdesk.access import Actor
from frontdesk.contacts import store as people
from frontdesk.database import Database
from frontdesk.messages.inbox import changes, lists, threads
from frontdesk.messages.inbox import store as inbox
from tests import crowd
from tests.conftest import Clones, Urls
from tests.crowd import crowd_id
from tests.watching import watched

PAGE = 1_000  # rows that a page of fifty may look at in any one table
PLANS = ["custom", "generic"]
RESTRICTED = Actor(kind="user", user_id=crowd_id("user", crowd.RESTRICTED))


@pytest.fixture(scope="module")
def crowded(clones: Clones) -> Iterator[Urls]:
    """A database with a crowd in it."""
    urls = clones.make()
    crowd.make(urls.owner)
    yield urls
    clones.done_with(urls)


@pytest.fixture
async def database(crowded: Urls) -> AsyncIterator[Database]:
    """One connection to the crowd."""
    opened = await Database.open(crowded.app, min_size=1, max_size=1)
    yield opened
    await opened.close()


@pytest.mark.parametrize("plans", PLANS)
async def test_the_pages_of_a_restricted_member(database: Database, plans: str) -> None:
    async with watched(database.tenant(crowd_id("organization", 1), RESTRICTED), plans) as (db, seen):
        for show in ("open", "unassigned", "unread", "closed"):
            listed, _ = await lists.read(db, await lists.chosen(db, show, "", 50, ""))
            assert bool(listed) == (show != "unread") and not any(one.assigned_to for one in listed), show
        conversation = await inbox.find(db, crowd_id("conversation", 1))
        assert conversation is not None
        newest = await threads.read(db, conversation)
        await threads.read(db, conversation, before=newest.messages[0].id)
        await changes.about(db, conversation.contact_id)
        assert await inbox.find(db, crowd_id("conversation", 199)) is None  # a colleague's
        page, following = await contacts.search(db, "")
        assert len(page) == 50 and all(one.phone == "49 ••• ••" + str(n)[-2:] for n, one in enumerate(page, 49150000001))
        await contacts.search(db, "", after=following)
        assert await people.find(db, crowd_id("contact", 199)) is None
        await people.threads(db, crowd_id("contact", 7))
        await people.talk(db, crowd_id("contact", 7))
    assert [fault for one in seen for fault in one.faults(PAGE)] == []
