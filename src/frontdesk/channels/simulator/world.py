"""The simulated WhatsApp itself: what must be quick is in memory, what must last is in the store."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from frontdesk.channels.simulator import life, memory
from frontdesk.channels.simulator.courier import Courier
from frontdesk.channels.simulator.faults import Faults, Switchboard, parse
from frontdesk.channels.simulator.identifiers import PHONE_NUMBER_ID
from frontdesk.channels.simulator.news import News
from frontdesk.channels.simulator.people import People
from frontdesk.channels.simulator.rates import Rates
from frontdesk.channels.simulator.records import Message, Person, Post, SandboxNumber, SimulatorSettings, Update
from frontdesk.channels.simulator.store import Store

TYPING_LASTS = 25
"""Seconds. Source: Meta's page on typing indicators."""
EARLY_LIMIT = 3.0
WINDOW = 24 * 3600
"""Free messages are possible this long after the customer's last one. Source: Meta's page on service windows."""


class World:
    """Numbers, people, chats, and the webhooks on their way."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Prepare; `open` brings it to life."""
        self.settings = settings
        self.people = People()
        self.numbers: dict[str, SandboxNumber] = {}
        self.rates = Rates(settings.limits)
        self.news = News()
        self.faults = Switchboard(self._faults_changed)
        self.windows: dict[tuple[str, str], float] = {}
        """When each person last wrote to each number, by number and person."""
        self._store = Store(settings.store_path)
        self._courier = Courier(settings, self.faults, self._settled)
        self._typing: dict[tuple[str, str], float] = {}
        self._awaited: dict[int, asyncio.Event] = {}
        self._position = 0

    async def open(self) -> None:
        """Remember what was, and go on delivering what was not confirmed."""
        await self._store.open()
        known = await self._store.do(memory.everything)
        for person in known["people"]:
            self.people.add(person)
        self.numbers = {number.phone_number_id: number for number in known["numbers"]}
        for phone_number_id, switches in known["faults"].items():
            self.faults.restore(phone_number_id, parse(switches))
        self.windows, self._position = known["windows"], known["position"]
        for update in known["updates"]:
            self._courier.add(update)
        await self._courier.open()

    async def close(self) -> None:
        """Stop; nothing that was confirmed to anybody is lost."""
        self.news.close()
        await self._courier.close()
        await self._store.close()

    async def forget(self) -> None:
        """Empty every phone, drop what is on its way and switch every fault off; the numbers stay."""
        self._courier.forget()
        self.people.forget()
        self.faults.forget()
        self.windows.clear()
        self._typing.clear()
        await self._store.do(memory.forget)
        for phone_number_id in self.numbers:
            self.news.tell(phone_number_id)

    async def meet(self, numbers: Sequence[SandboxNumber]) -> None:
        """These numbers exist."""
        fresh = [number for number in numbers if self.numbers.get(number.phone_number_id) != number]
        if fresh:
            self.numbers.update((number.phone_number_id, number) for number in fresh)
            await self._store.do(partial(memory.save_numbers, numbers=fresh))

    async def number(self, phone_number_id: str) -> SandboxNumber | None:
        """The number with this id. Run alone, the simulator takes the product's word that it exists."""
        known = self.numbers.get(phone_number_id)
        if known is None and PHONE_NUMBER_ID.fullmatch(phone_number_id):
            find = self.settings.find
            known = await find(phone_number_id) if find else _stranger(phone_number_id)
            await self.meet([known] if known else [])
        return known

    async def know(self, person: Person) -> None:
        """This person exists, under this name and with these habits."""
        if self.people.get(person.bsuid) != person:
            self.people.add(person)
            await self._store.do(partial(memory.save_person, person=person))

    def may_answer(self, phone_number_id: str, bsuid: str) -> bool:
        """Whether this person wrote to this number within the window."""
        return self.windows.get((phone_number_id, bsuid), 0) > time.time() - WINDOW

    async def recall(self, phone_number_id: str, bsuid: str) -> None:
        """Know of somebody in the product's sample data, and that they wrote."""
        recall = self.settings.recall
        recalled = await recall(phone_number_id, bsuid) if recall else None
        if recalled is not None:
            await self.know(self.people.get(bsuid) or recalled.person)
            self.windows[phone_number_id, bsuid] = max(recalled.at, self.windows.get((phone_number_id, bsuid), 0))

    async def keep(self, message: Message, updates: Sequence[Update]) -> None:
        """Keep a message and its webhooks on disk, then let the webhooks go."""
        left, notes = life.lost_and_late(updates, self.faults)
        await self._store.do(partial(memory.add_message, message=message, updates=left))
        for post in notes:
            self._courier.note(message.phone_number_id, post)
        for update in left:
            self._courier.add(update)
        self.news.tell(message.phone_number_id)

    def positions(self, count: int) -> int:
        """The first of `count` places in the order of all webhooks."""
        self._position += count
        return self._position - count + 1

    async def told(self, updates: Sequence[Update]) -> None:
        """Wait until Frontdesk has taken these webhooks, but not for ever."""
        events = [self._awaited.setdefault(update.position, asyncio.Event()) for update in updates]
        try:
            await asyncio.wait_for(asyncio.gather(*(event.wait() for event in events)), EARLY_LIMIT)
        except TimeoutError:
            pass
        finally:
            for update in updates:
                self._awaited.pop(update.position, None)

    async def seen(self, message: Message, *, typing: bool) -> None:
        """The business has read a message, and perhaps begins to type."""
        await self._store.do(partial(memory.mark_read, seen=message, at=time.time()))
        if typing:
            self._typing[message.phone_number_id, message.bsuid] = time.time() + TYPING_LASTS
        self.news.tell(message.phone_number_id)

    def answered(self, phone_number_id: str, bsuid: str) -> None:
        """The business has written: it types no more."""
        self._typing.pop((phone_number_id, bsuid), None)

    def types(self, phone_number_id: str, bsuid: str) -> bool:
        """Whether the business types at the moment."""
        return self._typing.get((phone_number_id, bsuid), 0) > time.time()

    async def message(self, wamid: str) -> Message | None:
        """The message with this id."""
        found: Message | None = await self._store.do(partial(memory.message, wamid=wamid))
        return found

    async def chat(self, phone_number_id: str, bsuid: str, limit: int = 200) -> list[Message]:
        """The latest messages between a number and a person, oldest first."""
        found: list[Message] = await self._store.do(partial(memory.chat, phone_number_id=phone_number_id, bsuid=bsuid, limit=limit))
        return found

    async def received(self, bsuid: str, phone_number_id: str | None, limit: int) -> list[Message]:
        """What a person's phone was sent, oldest first."""
        found: list[Message] = await self._store.do(partial(memory.received, bsuid=bsuid, phone_number_id=phone_number_id, limit=limit))
        return found

    async def chatters(self, phone_number_id: str, limit: int = 30) -> list[Person]:
        """The people in this number's chats, the latest first."""
        found: list[str] = await self._store.do(partial(memory.people_of, phone_number_id=phone_number_id, limit=limit))
        return [person for person in map(self.people.get, found) if person]

    def log(self, phone_number_id: str) -> list[Post]:
        """What Frontdesk was told lately, the latest first."""
        return self._courier.log(phone_number_id)

    def waiting(self, phone_number_id: str) -> int:
        """How many webhooks are not delivered yet."""
        return self._courier.waiting(phone_number_id)

    def _settled(self, phone_number_id: str, updates: Sequence[Update], taken: bool) -> None:
        self._store.do_later(partial(memory.settle, updates=updates, at=time.time(), taken=taken))
        for update in updates:
            if update.position in self._awaited:
                self._awaited[update.position].set()
        self.news.tell(phone_number_id)

    def _faults_changed(self, phone_number_id: str, faults: Faults) -> None:
        switches = faults.described()
        self._store.do_later(partial(memory.save_faults, phone_number_id=phone_number_id, faults=switches))
        self.news.tell(phone_number_id)


def _stranger(phone_number_id: str) -> SandboxNumber:
    """A number of which only the id is known: it gets a display number of its own, and no name."""
    return SandboxNumber(phone_number_id, f"+1555{phone_number_id[-7:].zfill(7)}", f"Number {phone_number_id[-4:]}")
