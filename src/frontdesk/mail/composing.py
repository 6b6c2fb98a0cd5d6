"""Turns a template and its facts into a letter, in the language of whoever gets it."""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_precision
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FunctionLoader, StrictUndefined

from frontdesk.mail.records import Letter

PACKAGE = Path(__file__).parent.parent
CATALOGUES = Path(__file__).parent / "locales"
ENGLISH = "en"
LOCALES = (ENGLISH, *sorted(path.stem for path in CATALOGUES.glob("*.po")))
LONGEST_NAME = 80
WORD_JOINER = "\u2060"  # takes no room; text with one in it is not made into a link


def compose(template: str, values: Mapping[str, Any], locale: str, base_url: str) -> Letter:
    """The letter of a template: `invitations/invitation` is `invitations/mails/invitation.txt` and `.html`.

    The text has the blocks `subject` and `body`. Templates have `link("/path")`, an address of this installation.
    """
    environment = _environment(locale)
    facts = {"locale": locale, "link": lambda path: base_url + path, **values}
    plain, rich = environment.get_template(f"{template}.txt"), environment.get_template(f"{template}.html")
    subject = "".join(plain.blocks["subject"](plain.new_context(facts)))
    text = re.sub(r"\n{3,}", "\n\n", plain.render(facts)).strip() + "\n"
    return Letter(subject=" ".join(subject.split()), text=text, html=rich.render(facts | {"title": " ".join(subject.split())}))


def best_locale(*wanted: str | None) -> str:
    """The first language we have of those that are wanted, the most wanted first: `best_locale("de-AT,de;q=0.9,en", "en")` is `de`."""
    for spoken in _spoken(wanted):
        if spoken in LOCALES:
            return spoken
    return ENGLISH


def named(text: str) -> str:
    """What somebody calls himself, as a mail may say it: not too long, and nothing that a mail program makes a link of.

    Whoever signs up chooses these words, and strangers get mails from us with them.
    """
    short = text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
    return re.sub(r"(?<=[./:@])(?=\S)", WORD_JOINER, short)


def _spoken(wanted: Iterable[str | None]) -> Iterable[str]:
    for header in wanted:
        for part in (header or "").split(","):
            yield re.split(r"[-_;]", part.strip().lower(), maxsplit=1)[0]


@cache
def _environment(locale: str) -> Environment:
    environment = Environment(
        loader=FunctionLoader(_load),
        autoescape=lambda name: name is None or name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    install: Callable[..., None] = getattr(environment, "install_gettext_translations")  # noqa: B009 - the extension adds it
    install(_translations(locale), newstyle=True)
    environment.filters |= {
        "named": named,
        "long_date": lambda moment: format_date(moment, "long", locale=locale),
        "count": lambda number: format_decimal(number, locale=locale),
        "money": lambda minor, currency: format_currency(Decimal(minor).scaleb(-get_currency_precision(currency)), currency, locale=locale),
    }
    return environment


def _translations(locale: str) -> NullTranslations:
    """The catalogue of a language, compiled in memory; English is what the templates say."""
    if locale not in LOCALES or locale == ENGLISH:
        return NullTranslations()
    compiled = BytesIO()
    with (CATALOGUES / f"{locale}.po").open("rb") as written:
        write_mo(compiled, read_po(written, locale=locale))
    compiled.seek(0)
    return Translations(compiled)


def _load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
    domain, _, rest = name.rpartition("/")
    file = PACKAGE / (domain or "mail") / "mails" / rest
    if not file.is_file():
        return None
    written = file.stat().st_mtime
    return file.read_text("utf-8"), str(file), lambda: file.stat().st_mtime == written
