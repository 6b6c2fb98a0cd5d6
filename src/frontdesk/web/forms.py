"""Forms: the token that proves a page of ours sent them, what was typed, and what is wrong with it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from markupsafe import Markup
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.errors import FrontdeskError
from frontdesk.web.complaints import complaint
from frontdesk.web.requests import cookie_name, secure, state

M = TypeVar("M", bound=BaseModel)
COOKIE = "visit"


@dataclass(slots=True)
class Form(Generic[M]):
    """A form as it was typed: `values` by field, `errors` by field ("" is the whole form), `data` once it is valid."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    data: M | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """A form to fill in, with what is known already."""
        return cls(values=dict(values))

    def value(self, name: str, otherwise: Any = "") -> Any:
        """What was typed into this field."""
        return self.values.get(name, otherwise)

    def all(self, name: str) -> list[Any]:
        """Everything that was chosen for a field that may occur several times."""
        found = self.values.get(name, [])
        return found if isinstance(found, list) else [found]

    def error(self, name: str = "") -> str:
        """What is wrong with this field, or nothing."""
        return self.errors.get(name, "")

    def refuse(self, error: FrontdeskError) -> None:
        """Put what the domain refused beside the field at fault."""
        self.errors[error.field or ""] = str(error)
        self.data = None


async def read_form(request: Request, model: type[M]) -> Form[M]:
    """Read what was sent into `model`. Bad input raises nothing: it stands in `errors`, what was typed in `values`."""
    values = await typed(request)
    form: Form[M] = Form(values=values)
    try:
        form.data = model.model_validate(values)
    except ValidationError as error:
        for problem in error.errors():
            form.errors.setdefault(str(problem["loc"][0]) if problem["loc"] else "", complaint(problem))
    return form


async def typed(request: Request) -> dict[str, Any]:
    """The fields as text, lists where a name came several times; lines end in \\n, NUL, which nothing keeps, goes."""
    sent = await request.form()
    values: dict[str, Any] = {}
    for name in sent:
        texts = [text.replace("\x00", "").replace("\r\n", "\n") for text in sent.getlist(name) if not isinstance(text, UploadFile)]
        values[name] = texts if len(texts) > 1 else (texts[0] if texts else "")
    return values


def form_token(request: Request) -> str:
    """The session's token, or a stranger's own from a cookie, made at the first form."""
    visitor = state(request).get("visitor")
    if visitor is not None:
        return str(visitor.csrf_token)
    token = state(request).setdefault("visit_token", request.cookies.get(cookie_name(request, COOKIE)) or secrets.token_urlsafe(32))
    return str(token)


def hidden_fields(request: Request) -> Markup:
    """What `csrf_input()` puts into a form: the token, and the organization the form was rendered for."""
    state(request)["has_form"] = True
    fields = Markup('<input type="hidden" name="csrf_token" value="{}">').format(form_token(request))
    visitor = state(request).get("visitor")
    if visitor is not None and visitor.current is not None:
        fields += Markup('<input type="hidden" name="organization_id" value="{}">').format(visitor.current.organization_id)
    return fields


def hand_out_token(request: Request, response: Response) -> None:
    """Give a stranger who was shown a form the cookie that goes with it."""
    held = state(request)
    name = cookie_name(request, COOKIE)
    if held.get("visitor") is None and held.get("has_form") and name not in request.cookies:
        response.set_cookie(name, form_token(request), path="/", secure=secure(request), httponly=True, samesite="lax")
