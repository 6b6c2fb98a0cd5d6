"""Sample facts for every page, so that a page can be looked at, and checked, without a database."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace as Made
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse

from frontdesk.access import Permission
from frontdesk.web import Flash, Form, Membership, Visitor, install, pages
from frontdesk.web.pages import theme
from frontdesk.web.requests import nonce

NOW = datetime(2026, 11, 24, 8, 41, tzinfo=UTC)
HOME = UUID(int=1)
CHEN = UUID(int=105)


def at(days: float = 0, minutes: float = 0) -> datetime:
    """A moment before the gallery's now."""
    return NOW - timedelta(days=days, minutes=minutes)


def visitor(organizations: int = 2, role: str = "owner") -> Visitor:
    """Maya, at Lagos Glow Salon."""
    names = ["Lagos Glow Salon", "Moretti Calzature", *[f"Branch {n}" for n in range(3, 20)]][:organizations]
    memberships = tuple(Membership(UUID(int=n + 1), f"shop-{n}", name, role if n == 0 else "member") for n, name in enumerate(names))
    return Visitor(UUID(int=9), "Maya Bello", "maya@lagosglow.example", UUID(int=8), "token", memberships, memberships[0])


PEOPLE = {101: "Amina Okafor", 102: "Luca Moretti", 103: "Priya Sharma", 104: "João Pereira", 105: "Chen Wei", 106: "Fatima Al-Sayed", 107: "Noah Fischer",
          108: "Sofia Lindqvist", 109: "Diego Ramírez"}  # fmt: skip
LINES = [("contact", "Yes please, book the 4 pm slot 👍", 0, 2), ("bot", "Your order #4821 has shipped", 3, 0), ("contact", "Can I speak to a person?", 10, 1),
         ("member", "I've sent the invoice by mail", 29, 0), ("contact", "Voice message", 44, 4), ("contact", "Thank you so much!", 61, 0),
         ("bot", "Which branch is closest to you?", 1500, 0), ("contact", "Do you deliver on Sundays?", 1600, 0), ("bot", "Here's our menu for today", 30000, 0)]  # fmt: skip


def person(number: int) -> Made:
    """One contact as the inbox knows it."""
    return Made(id=UUID(int=number), name=PEOPLE[number], blocked_at=None)


def conversations() -> list[Made]:
    """The list of the inbox."""
    return [
        Made(id=UUID(int=200 + n), contact=person(101 + n), last_text=text, last_author=author, last_message_at=at(minutes=minutes), unread_count=unread,
             closed_at=None, assigned_name="Grace Eze" if n == 3 else None, bot_off=False)
        for n, (author, text, minutes, unread) in enumerate(LINES)
    ]  # fmt: skip


def said(number: int, author: str, text: str, minutes: float, status: str = "read", **more: Any) -> Made:
    """One message of a thread."""
    known = {"written_by": {"member": "Maya Bello", "bot": "First greeting"}.get(author, ""), "type": "text", "error_text": None, "quoted": None, "reactions": []}
    return Made(**{**known, "id": UUID(int=300 + number), "author": author, "text": text, "occurred_at": at(minutes=minutes), "status": status, **more})


def thread() -> list[Made]:
    """A conversation with everything that can be in it."""
    return [
        said(0, "contact", "Hello, are you open on Sunday?", 1700, "received"),
        said(1, "contact", "Hi! I'd like to book a haircut for Friday", 5, "received"),
        said(2, "bot", "Hello Amina 👋 I can help with that. Which stylist would you like?", 5),
        said(3, "contact", "Grace, if she's free in the afternoon", 3, "received", reactions=["❤️"]),
        said(4, "member", "Hi Amina, Maya here. 4 pm also leaves time for the colour consultation. Shall I book it?", 2, "delivered",
             quoted={"author": "Amina Okafor", "text": "Grace, if she's free in the afternoon"}),
        said(5, "contact", "Photo", 2, "received", type="image"),
        said(6, "member", "One moment", 1, "queued"),
        said(7, "member", "This did not go out", 1, "failed", error_text="Not sent: the messages of your plan are used up for this month."),
        said(8, "member", "And nobody knows about this", 1, "unknown"),
        said(9, "contact", "Yes please, book the 4 pm slot 👍", 0, "received"),
    ]  # fmt: skip


def conversation(**more: Any) -> Made:
    """An open conversation."""
    known = {"id": UUID(int=200), "contact": person(101), "channel": Made(name="Main number", display_number="+234 803 555 0100", kind="cloud_api"),
             "window_ends_at": NOW + timedelta(hours=23, minutes=12), "closed_at": None, "assigned_to": None, "assigned_name": None, "bot_off": True, "unread_count": 2}  # fmt: skip
    return Made(**{**known, **more})


def inbox(**more: Any) -> dict[str, Any]:
    """The inbox with one conversation open."""
    known = {"conversations": conversations(), "filter": {"show": "open", "q": "", "limit": 50, "counts": {"mine": 3, "unread": 12}}, "more": True, "anything": True,
             "conversation": conversation(), "messages": thread(), "earlier": True, "composer": Form.of({"text": "", "message_id": str(UUID(int=999))}),
             "panel": {"phone": "2348035550142", "username": None, "first_seen_at": at(255), "messages": 148, "tags": ["VIP", "Colour"],
                       "per_day": [2, 0, 1, 4, 3, 0, 0, 5, 2, 1, 6, 3, 9, 7]},
             "sandbox": {"number": "15550104217"}, "sample_data": True}  # fmt: skip
    return known | more


SESSIONS = [Made(id=UUID(int=8), current=True, address="102.89.34.12", device="Chrome on Windows", created_at=at(3), last_seen_at=at()),
            Made(id=UUID(int=7), current=False, address="105.112.8.77", device="Safari on iPhone", created_at=at(9), last_seen_at=at(1))]  # fmt: skip
REGISTER = {"organization_name": "Lagos Glow Salon", "name": "Maya Bello", "email": "maya@lagosglow.example"}


@dataclass(frozen=True)
class Picture:
    """One page with its facts. `outside`: before the sign-in."""

    template: str
    facts: dict[str, Any]
    outside: bool = False
    surroundings: dict[str, Any] = field(default_factory=dict)


def gallery() -> dict[str, Picture]:
    """Every page, by name."""
    empty = {"conversations": [], "messages": [], "conversation": None, "anything": False, "more": False}
    viewer = {"visitor": visitor(1, "viewer"), "may": lambda permission: permission.endswith(":read")}
    return {
        "inbox": Picture("messages/index.html", inbox(), surroundings={"path": "/dashboard/inbox/" + str(UUID(int=200))}),
        "inbox-list": Picture("messages/index.html", inbox(conversation=None)),
        "inbox-closed": Picture("messages/index.html", inbox(conversation=conversation(window_ends_at=at(1), closed_at=at(1), assigned_to=UUID(int=9)))),
        "inbox-refused": Picture("messages/index.html", inbox(composer=Form({"text": "x" * 500, "message_id": "1"}, {"text": "Use at most 4,096 characters. This has 4,097."}))),
        "inbox-empty": Picture("messages/index.html", inbox(**empty)),
        "inbox-viewer": Picture("messages/index.html", inbox(), surroundings=viewer),
        "account": Picture("users/account.html", {"sessions": SESSIONS, "form": Form.of({"name": "Maya Bello"})}),
        "sign-in": Picture("users/login.html", {"form": Form({"email": "maya@lagosglow.example", "next": "/dashboard"}, {"": "The email or the password is wrong."})}, outside=True),
        "register": Picture("registration/register.html", {"form": Form(REGISTER, {"password": "Use at least 10 characters. This has 6."})}, outside=True),
        "error": Picture("error.html", {"failure": Made(status=500, title="Something broke on our side", text="Your last step was not saved. Messages from your customers are still received and kept."), "again": True}, outside=True),
    }  # fmt: skip


def draw(picture: Picture, theme: str = "light", nonce: str = "nonce") -> str:
    """The page as HTML."""
    surroundings = {
        "visitor": None if picture.outside else visitor(),
        "may": lambda permission: permission in set(Permission),
        "frame": {} if picture.outside else {"unread": 12, "plan": {"name": "Professional", "trial_ends_at": NOW + timedelta(days=8), "used": 22940, "limit": 50000}},
        "flashes": [], "theme": theme, "nonce": nonce, "csrf_token": "token", "csrf_input": lambda: Markup('<input type="hidden" name="csrf_token" value="token">'),
        "path": "/dashboard", "fragment": False, "zone": ZoneInfo("Africa/Lagos"), "now": NOW, "simulated": True, "request_id": "01JDHM3T9XQ5",
    }  # fmt: skip
    return pages().fill(picture.template, {**surroundings, **picture.surroundings, **picture.facts})


def app() -> FastAPI:
    """Every page at /NAME, with the real static files and the real security headers. The theme comes from the cookie."""
    served = FastAPI()

    @served.get("/{name}")
    async def show(request: Request, name: str) -> HTMLResponse:
        return HTMLResponse(draw(gallery()[name], theme(request), nonce(request)))

    install(served)
    return served
