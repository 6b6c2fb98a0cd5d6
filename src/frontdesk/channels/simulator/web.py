"""The phone in the browser: be anybody, write, react, watch the ticks, and make things go wrong."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from frontdesk.channels.simulator import actions, faults, people, screen
from frontdesk.channels.simulator.actions import Note
from frontdesk.channels.simulator.records import Person, SandboxNumber
from frontdesk.channels.simulator.world import World
from frontdesk.errors import BadInput, NotFound
from frontdesk.web import check_form, is_htmx, render, typed

LONGEST_TEXT = 4096
EMOJI = ("👍", "❤️", "😂", "😮", "😢", "🙏")
NEWCOMER = Person(people.of_phone("+44 7700 900142", field="as").bsuid, phone="447700900142", name="Alex Morgan")
"""Who one is at first: a number that Ofcom keeps free for drama."""

Door = Callable[[Request, World, SandboxNumber], Awaitable[Response]]


def routes() -> list[Route]:
    """The paths of the phone."""
    phone = "/phones/{phone_number_id}"
    return [
        Route("/", index, methods=["GET"]),
        Route(phone, _door(show), methods=["GET"]),
        Route(f"{phone}/log", _door(show_log), methods=["GET"]),
        Route(f"{phone}/told", _door(show_told), methods=["GET"]),
        Route(f"{phone}/events", _door(follow), methods=["GET"]),
        Route(f"{phone}/messages", _door(create_message), methods=["POST"]),
        Route(f"{phone}/reactions", _door(create_reaction), methods=["POST"]),
        Route(f"{phone}/people", _door(create_person), methods=["POST"]),
        Route(f"{phone}/receipts", _door(change_receipts), methods=["POST"]),
        Route(f"{phone}/faults", _door(change_faults), methods=["POST"]),
    ]


async def index(request: Request) -> Response:
    """GET /: the numbers that this visitor may write to."""
    numbers = await _numbers(request)
    return await render(request, "channels/simulator/index.html", numbers=numbers, **_places(request))


async def show(request: Request, world: World, number: SandboxNumber) -> Response:
    """GET /phones/{phone_number_id}?as=…: the phone of this person, in the chat with this number."""
    return await _page(request, world, number, await _owner(request, world, number))


async def show_log(request: Request, world: World, number: SandboxNumber) -> Response:
    """The chat alone, when something changed."""
    owner = await _owner(request, world, number)
    context = await _chat(request, world, number, owner)
    return await render(request, "channels/simulator/_log.html", **context)


async def show_told(request: Request, world: World, number: SandboxNumber) -> Response:
    """The list of webhooks alone, when something changed."""
    posts, waiting = world.log(number.phone_number_id), world.waiting(number.phone_number_id)
    return await render(request, "channels/simulator/_told.html", posts=posts, waiting=waiting)


async def follow(request: Request, world: World, number: SandboxNumber) -> Response:
    """Server-sent events: something changed on this number."""
    stream = world.news.follow(number.phone_number_id)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def create_message(request: Request, world: World, number: SandboxNumber) -> Response:
    """The owner of the phone writes."""
    fields = await typed(request)
    owner, text = _person(world, fields), str(fields.get("text", ""))
    if text.strip() and len(text) <= LONGEST_TEXT:
        await actions.write(world, number, owner, Note(text=text, reply_to=fields.get("reply_to") or None))
    elif text.strip():
        raise BadInput("A message has at most 4,096 characters.", field="text")
    if not is_htmx(request):
        return _to_phone(request, number, owner)
    places: dict[str, Any] = _places(request)
    return await render(request, "channels/simulator/_composer.html", number=number, owner=owner, focus=True, **places)


async def create_reaction(request: Request, world: World, number: SandboxNumber) -> Response:
    """The owner of the phone reacts to a message, or takes the reaction back."""
    fields = await typed(request)
    owner, emoji = _person(world, fields), str(fields.get("emoji", ""))
    target = await world.message(str(fields.get("message_id", "")))
    if target is None or (target.phone_number_id, target.bsuid) != (number.phone_number_id, owner.bsuid):
        raise NotFound("This message is not on this phone.")
    if emoji not in ("", *EMOJI):
        raise BadInput("Choose one of the emoji that are shown.", field="emoji")
    await actions.write(world, number, owner, Note(emoji=emoji, target=target.wamid))
    return Response(status_code=204) if is_htmx(request) else _to_phone(request, number, owner)


async def create_person(request: Request, world: World, number: SandboxNumber) -> Response:
    """Become somebody: known or new, with a number or with a username alone."""
    fields = await typed(request)
    try:
        owner = _somebody(world, fields)
    except BadInput as error:
        owner = await _owner(request, world, number)
        return await _page(request, world, number, owner, values=fields, errors={error.field or "": str(error)})
    await world.know(owner)
    return _to_phone(request, number, owner)


async def change_receipts(request: Request, world: World, number: SandboxNumber) -> Response:
    """Let businesses see what was read, or not."""
    fields = await typed(request)
    owner = replace(_person(world, fields), read_receipts=fields.get("read_receipts") == "on")
    await world.know(owner)
    return Response(status_code=204) if is_htmx(request) else _to_phone(request, number, owner)


async def change_faults(request: Request, world: World, number: SandboxNumber) -> Response:
    """Switch on what is ticked, and everything else off."""
    fields = await typed(request)
    before = world.faults.of(number.phone_number_id)
    world.faults.put(number.phone_number_id, faults.parse(screen.wanted(list(fields), before)))
    if not is_htmx(request):
        return _to_phone(request, number, _person(world, fields))
    on, owner = world.faults.of(number.phone_number_id).on, _person(world, fields)
    context: dict[str, Any] = {"number": number, "owner": owner, "on": on, **_places(request)}
    return await render(request, "channels/simulator/_faults.html", usual=screen.USUAL, rare=screen.RARE, **context)


def _door(inner: Door) -> Callable[[Request], Awaitable[Response]]:
    """Open only for a number that is the visitor's own; a form must come from a page of ours."""

    @wraps(inner)
    async def outer(request: Request) -> Response:
        number = next(
            (one for one in await _numbers(request) if one.phone_number_id == request.path_params["phone_number_id"]),
            None,
        )
        if number is None:
            raise NotFound("There is no such number, or it belongs to another organization.")
        if request.method == "POST":
            await check_form(request)
        return await inner(request, request.app.state.world, number)

    return outer


async def _numbers(request: Request) -> Sequence[SandboxNumber]:
    """The visitor's own numbers."""
    world: World = request.app.state.world
    if world.settings.numbers is None:
        return list(world.numbers.values())
    numbers = await world.settings.numbers(request)
    await world.meet(numbers)
    return numbers


async def _owner(request: Request, world: World, number: SandboxNumber) -> Person:
    """Whose phone it is: as the address says, else who wrote last, else a newcomer."""
    address = request.query_params.get("as", "")
    if address:
        return world.people.found("+" + address[1:] if address.startswith(" ") else address, field="as")
    latest = await world.chatters(number.phone_number_id, 1)
    return latest[0] if latest else world.people.get(NEWCOMER.bsuid) or NEWCOMER


def _person(world: World, fields: dict[str, Any]) -> Person:
    """Who acts, as a form's hidden field says."""
    person = world.people.found(str(fields.get("as", "")), field="as")
    return NEWCOMER if person.bsuid == NEWCOMER.bsuid and person.name is None else person


def _somebody(world: World, fields: dict[str, Any]) -> Person:
    """The person whom the form describes; a username follows from the name unless one was typed."""
    name, written = str(fields.get("name", "")).strip(), str(fields.get("number", "")).strip()
    if not name:
        raise BadInput("Write a name.", field="name")
    if fields.get("hidden") == "on" or written.startswith("@"):
        username = written if written.startswith("@") else people.username_of(name)
        stranger = people.of_username(username, field="number")
    else:
        stranger = people.of_phone(written, field="number")
    return people.named(world.people.get(stranger.bsuid) or stranger, name)


async def _page(
    request: Request, world: World, number: SandboxNumber, owner: Person, *,
    values: dict[str, Any] | None = None, errors: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    """The whole page. `values` and `errors` come back from a form that could not be used."""
    known = await world.chatters(number.phone_number_id)
    known = known if owner.bsuid in {person.bsuid for person in known} else [owner, *known]
    return await render(
        request,
        "channels/simulator/show.html",
        status_code=422 if errors else 200,
        numbers=await _numbers(request),
        known=known,
        values=values or {"name": owner.name or "", "number": owner.address, "hidden": ""},
        errors=errors or {},
        on=world.faults.of(number.phone_number_id).on,
        usual=screen.USUAL,
        rare=screen.RARE,
        posts=world.log(number.phone_number_id),
        waiting=world.waiting(number.phone_number_id),
        focus=False,
        **await _chat(request, world, number, owner),
    )


async def _chat(request: Request, world: World, number: SandboxNumber, owner: Person) -> dict[str, Any]:
    messages = await world.chat(number.phone_number_id, owner.bsuid)
    return {
        "number": number,
        "owner": owner,
        "lines": screen.lines(messages),
        "emoji": EMOJI,
        "types": world.types(number.phone_number_id, owner.bsuid),
        **_places(request),
    }


def _places(request: Request) -> dict[str, Any]:
    """Where the simulator is, and where the way back leads."""
    settings = request.app.state.world.settings
    product = urlsplit(settings.webhook_url)
    home = "" if settings.numbers is not None else f"{product.scheme}://{product.netloc}"
    return {"base": request.scope.get("root_path", ""), "home": home}


def _to_phone(request: Request, number: SandboxNumber, owner: Person) -> Response:
    place = f"{request.scope.get('root_path', '')}/phones/{number.phone_number_id}?as={quote(owner.address)}"
    return RedirectResponse(place, 303)
