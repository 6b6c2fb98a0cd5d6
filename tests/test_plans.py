"""No statement of the road or of the pages reads a whole table or a whole organization, however many rows a batch has."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from frontdesk import auto_replies, billing, contacts, messages
from frontdesk.access import Actor
from frontdesk.audit import search as audit_log
from frontdesk.audit import store as audit_log_store
from frontdesk.audit.records import Question
from frontdesk.auto_replies import store as rules
from frontdesk.channels import Event, Lane, Sender
from frontdesk.contacts import Arrival
from frontdesk.contacts import store as people
from frontdesk.database import Database, Tenant, batch, new_id
from frontdesk.inbound import store as inbound
from frontdesk.inbound.keeper import as_sent
from frontdesk.inbound.packs import packed, unpacked
from frontdesk.inbound.records import Failure, Pack
from frontdesk.messages import Inbound, NewMessage, Status
from frontdesk.messages.inbox import changes, lists, threads
from frontdesk.messages.inbox import store as inbox
from frontdesk.messages.inbox.records import Cursor
from frontdesk.outbound import store as outbound
from frontdesk.outbound.records import Claim, Result
from tests import crowd
from tests.conftest import Clones, Urls
from tests.crowd import crowd_id, organization_of
from tests.watching import Seen, watched

BATCHES = [pytest.param(rows, many, plans, id=f"{rows} rows, {'many organizations' if many else 'one organization'}, {plans} plan")
           for rows in (1, 20, 200) for many in (False, True) if rows > 1 or not many for plans in ("custom", "generic")]  # fmt: skip
PLANS = ["custom", "generic"]
NOW = datetime.now(UTC).replace(microsecond=0)


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


def talks(rows: int, many: bool) -> list[int]:
    """The numbers of so many conversations: all of the large organization, or of as many organizations as there are."""
    if not many:
        return crowd.conversations_of(1, rows)
    return [crowd.conversations_of(2 + n % 199, 2)[n // 199] for n in range(rows)]


def organizations(numbers: list[int]) -> list[UUID]:
    return list({crowd_id("organization", organization_of(n)) for n in numbers})


def lane(number: int) -> Lane:
    return Lane(crowd_id("organization", organization_of(number)), crowd_id("channel", organization_of(number)))


def sender(number: int) -> Sender:
    return Sender(phone=str(49150000000 + number), bsuid=f"DE.{49150000000 + number}", username=None, name=f"Contact {number}")


def arriving(number: int) -> Inbound:
    return Inbound(*lane(number), crowd_id("contact", number), new_id(), f"wamid.{new_id().hex}", NOW, "text", "word1", None, None, None, "Lena", "49", False)


def new_message(number: int) -> NewMessage:
    where = lane(number)
    return NewMessage(where.organization_id, new_id(), crowd_id("conversation", number), where.channel_id, crowd_id("contact", number), "text",
                      "word1 or anything", False, False, 6, "Lena", "49", NOW + timedelta(hours=24))  # fmt: skip


def modest(seen: list[Seen], rows: int) -> list[str]:
    """What is wrong with statements that serve so many rows: some keys are looked at several times, and no more."""
    return [fault for one in seen for fault in one.faults(12 * rows + 40)]


@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_meeting_known_people(database: Database, rows: int, many: bool, plans: str) -> None:
    numbers = talks(rows, many)
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        met = await contacts.meet(db, [Arrival(lane(n).organization_id, "1", sender(n), NOW) for n in numbers])
    assert [one.contact_id for one in met] == [crowd_id("contact", n) for n in numbers]
    assert modest(seen, rows) == []


@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_meeting_new_people(database: Database, rows: int, many: bool, plans: str) -> None:
    numbers = talks(rows, many)
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        arrivals = [Arrival(lane(n).organization_id, "1", Sender(f"1{n}", f"US.{n}", None, "New"), NOW) for n in numbers]
        assert len({one.contact_id for one in await contacts.meet(db, arrivals)}) == rows
    assert modest(seen, rows) == []


@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_recording_what_arrived(database: Database, rows: int, many: bool, plans: str) -> None:
    numbers = talks(rows, many)
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        new = [one.conversation_id for one in await messages.record_inbound(db, [arriving(n) for n in numbers], 6)]
    assert new == [crowd_id("conversation", n) for n in numbers]
    assert modest(seen, rows) == []


@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_recording_statuses(database: Database, rows: int, many: bool, plans: str) -> None:
    numbers = talks(rows, many)
    told = [Status(lane(n).organization_id, crowd_id("outbox", n), f"wamid.{n}", "delivered", NOW) for n in numbers]
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        assert set(await messages.record_statuses(db, told)) == set(organizations(numbers))
    assert modest(seen, rows) == []


@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_answering_by_rules(database: Database, rows: int, many: bool, plans: str) -> None:
    numbers = talks(rows, many)
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        assert len(await rules.open_books(db, organizations(numbers))) == len(organizations(numbers))  # most batches find them in memory
        houses = await auto_replies.open_houses(db)
        assert await auto_replies.answer(db, [new_message(n) for n in numbers], 6, houses) == rows
    assert modest(seen, rows) == []


@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_taking_deliveries(database: Database, rows: int, many: bool, plans: str) -> None:
    numbers = talks(rows, many)
    lanes = {lane(n) for n in numbers}
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        assert len(await inbound.take(db, lanes, -(-rows // len(lanes)), rows)) == rows
    assert modest(seen, rows) == []


@pytest.mark.parametrize("plans", PLANS)
async def test_taking_what_arrived_first(database: Database, plans: str) -> None:
    lanes = [Lane(crowd_id("organization", n), crowd_id("channel", n)) for n in range(1, crowd.ORGANIZATIONS + 1)]
    async with watched(database.tenants([one.organization_id for one in lanes]), plans) as (db, seen):
        assert len(await inbound.take_arrived(db, lanes, 20, 0)) == 20
    assert modest(seen, 20) == []


@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_taking_deliveries_again_and_keeping_them_aside(database: Database, rows: int, many: bool, plans: str) -> None:
    numbers = talks(rows, many)
    wanted = [Pack(*lane(n), crowd_id("delivery", n), 0, "message", "", 1) for n in numbers]
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        taken = await inbound.take_again(db, wanted)
        await inbound.keep_failures(db, [Failure(one, "broken") for pack in taken for one in unpacked(pack)])
        await inbound.drop_others(db, {lane(n) for n in numbers}, 0)
    assert (len(taken), modest(seen, rows)) == (rows, [])


@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_claiming_what_waits(database: Database, rows: int, many: bool, plans: str) -> None:
    numbers = talks(rows, many)
    lanes = {lane(n) for n in numbers}
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        assert len(await outbound.claim(db, {one: -(-rows // len(lanes)) for one in lanes}, rows, new_id())) >= rows
    assert modest(seen, rows) == []


@pytest.mark.parametrize("verdict", ["accepted", "again", "failed"])
@pytest.mark.parametrize(("rows", "many", "plans"), BATCHES)
async def test_recording_outcomes(database: Database, rows: int, many: bool, plans: str, verdict: str) -> None:
    numbers = talks(rows, many)
    claims = [Claim(lane(n).organization_id, crowd_id("outbox", n), lane(n).channel_id, "49", "{}", None, 1) for n in numbers]
    async with watched(database.tenants(organizations(numbers)), plans) as (db, seen):
        await outbound.record(db, [Result(claim, verdict, f"wamid.{claim.id}") for claim in claims], new_id())
    assert modest(seen, rows) == []


# ---- pages: one member in the large organization ----

PAGE = 1_000  # rows that a page of fifty may look at in any one table
LARGE = Actor(kind="user", user_id=crowd_id("user", 1))


def page(database: Database, plans: str) -> AbstractAsyncContextManager[tuple[Tenant, list[Seen]]]:
    """The large organization as its owner sees it."""
    return watched(database.tenant(crowd_id("organization", 1), LARGE), plans)


def short(seen: list[Seen]) -> list[str]:
    return [fault for one in seen for fault in one.faults(PAGE)]


@pytest.mark.parametrize("plans", PLANS)
@pytest.mark.parametrize("show", ["open", "mine", "unassigned", "unread", "closed"])
async def test_the_inbox_lists_what_is_chosen(database: Database, plans: str, show: str) -> None:
    async with page(database, plans) as (db, seen):
        chosen = await lists.chosen(db, show, "", 50, "")
        listed, following = await lists.read(db, chosen)
        assert listed
        while following and len(seen) < 12:
            listed, following = await lists.read(db, replace(chosen, after=following))
    assert short(seen) == []


@pytest.mark.parametrize("plans", PLANS)
async def test_the_inbox_lists_what_was_said_long_ago(database: Database, plans: str) -> None:
    async with page(database, plans) as (db, seen):
        long_ago = Cursor(NOW - timedelta(minutes=5000), new_id()).written()
        listed, _ = await lists.read(db, await lists.chosen(db, "closed", "", 50, long_ago))
    assert len(listed) == 50
    assert short(seen) == []


@pytest.mark.parametrize("plans", PLANS)
async def test_a_thread_of_thousands_of_messages(database: Database, plans: str) -> None:
    async with page(database, plans) as (db, seen):
        conversation = await inbox.find(db, crowd_id("conversation", 1))
        assert conversation is not None
        newest = await threads.read(db, conversation)
        older = await threads.read(db, conversation, before=newest.messages[0].id)
        await threads.read(db, conversation, since=newest.messages[10].id)
        await changes.about(db, conversation.contact_id)
        await changes.addresses(db, conversation.contact_id)
    assert len(older.messages) > len(newest.messages)
    assert short(seen) == []


@pytest.mark.parametrize("plans", PLANS)
async def test_the_frame_of_every_page(database: Database, plans: str) -> None:
    async with page(database, plans) as (db, seen):
        await messages.unread(db)
        await billing.plan_in_use(db)
    assert short(seen) == []


@pytest.mark.parametrize("plans", PLANS)
@pytest.mark.parametrize("blocked", [None, True])
async def test_the_list_of_contacts(database: Database, plans: str, blocked: bool | None) -> None:
    async with page(database, plans) as (db, seen):
        _, following = await contacts.search(db, "", blocked=blocked)
        while following and len(seen) < 20:
            _, following = await contacts.search(db, "", blocked=blocked, after=following)
    assert short(seen) == []


@pytest.mark.parametrize("plans", PLANS)
async def test_the_page_of_a_contact(database: Database, plans: str) -> None:
    contact_id = crowd_id("contact", 7)
    async with page(database, plans) as (db, seen):
        await contacts.find(db, contact_id)
        await people.threads(db, contact_id)
        await people.addresses(db, contact_id)
        await people.talk(db, contact_id)
    assert short(seen) == []


LOG_OF = [
    Question(), Question(actor=("user", crowd_id("user", 3))), Question(actor=("system", None)), Question(actions=("auto_reply.changed", "contact.renamed")),
    Question(target=("contact", str(crowd_id("contact", 7)))), Question(since=NOW - timedelta(days=9), until=NOW - timedelta(days=8)),
    Question(actor=("user", crowd_id("user", 3)), actions=("auto_reply.changed",)), Question(words=("nobody",)),
]  # fmt: skip


@pytest.mark.parametrize("plans", PLANS)
@pytest.mark.parametrize("asked", LOG_OF, ids=range(len(LOG_OF)))
async def test_the_audit_log(database: Database, plans: str, asked: Question) -> None:
    async with page(database, plans) as (db, seen):
        found = await audit_log.find(db, asked)
        while found.older and len(seen) < 6:
            found = await audit_log.find(db, asked, found.older)
        await audit_log_store.doers(db, 300)
        await audit_log.recent(db, "contact", [str(crowd_id("contact", n)) for n in (7, 8, 9)], 5)
        await audit_log_store.walk(db, 1_000, 100)
    most = 2 * audit_log.LOOKED_AT if asked.sieved else PAGE
    assert [fault for one in seen for fault in one.faults(most + 60)] == []


# ---- the platform's own functions ----


async def test_the_functions_that_keep_and_lease(database: Database) -> None:
    numbers = talks(200, many=True)
    lanes = batch([one._asdict() for one in {lane(n) for n in numbers}])
    async with watched(database.platform(), "generic") as (db, seen):
        kept = packed([(lane(n), Event("", "", "message", "{}")) for n in numbers])
        await db.run("select private.keep_packs(%(packs)s, %(payloads)s)", as_sent(kept))
        await db.run("select private.route_channels('cloud_api', %(numbers)s)", {"numbers": [str(1000000 + n) for n in range(1, 200)]})
        for road in ("waiting_inbound", "waiting_outbound"):
            await db.run(f"select * from private.{road}(%(first)s, %(first)s, 200)", {"first": UUID(int=0)})
        await db.run("select private.lease_lanes(%(worker)s, 'in', %(lanes)s, 20)", {"worker": new_id(), "lanes": lanes})
        await db.run("select private.expire_claims(interval '2 minutes')")
    assert modest(seen, 200) == []
