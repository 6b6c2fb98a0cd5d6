"""What a mail says: in every language we have, in text and in HTML, and nothing but what it should."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from frontdesk.database import Database, NotAMember, Statements, new_id
from frontdesk.mail import LOCALES, Mailer, best_locale
from frontdesk.mail.actions import seal, unseal
from frontdesk.mail.composing import CATALOGUES, PACKAGE, compose, named
from frontdesk.mail.records import Letter
from frontdesk.settings import Settings
from frontdesk.vault import CannotOpen, Vault
from tests.strangers import STRANGERS, Enter
from tests.world import World

FILES = sorted(PACKAGE.glob("*/mails/*"))
OPTIONS = {"trimmed": "true", "silent": "false"}


def messages() -> set[str]:
    """Everything that a template says through gettext."""
    found: set[str] = set()
    for file in FILES:
        with file.open("rb") as opened:
            for _, _, message, _ in babel_extract(opened, ("_", "gettext", "ngettext"), [], OPTIONS):
                found |= {one for one in ([message] if isinstance(message, str) else message) if one}
    return found


@pytest.mark.parametrize("locale", LOCALES[1:])
def test_every_sentence_is_translated_and_no_translation_is_left_over(locale: str) -> None:
    with (CATALOGUES / f"{locale}.po").open("rb") as opened:
        catalogue = {one.id if isinstance(one.id, str) else one.id[0]: one for one in read_po(opened, locale=locale) if one.id}
    assert messages() == catalogue.keys()
    assert [text for text, one in catalogue.items() if not one.string or one.fuzzy] == []
    names = re.compile(r"%\((\w+)\)")
    assert [text for text, one in catalogue.items() if set(names.findall(text)) != set(names.findall(str(one.string)))] == []


def test_every_mail_has_a_text_and_an_html_part_and_a_subject() -> None:
    stems: dict[Path, set[str]] = {}
    for file in FILES:
        if file.name not in ("parts.html", "layout.html", "layout.txt"):
            stems.setdefault(file.with_suffix(""), set()).add(file.suffix)
    assert stems and all(suffixes == {".txt", ".html"} for suffixes in stems.values())
    assert [stem for stem in stems if "block subject" not in stem.with_suffix(".txt").read_text()] == []


def test_nothing_in_a_mail_comes_from_elsewhere() -> None:
    assert [file for file in FILES if re.search(r"<(img|link|script)\b|url\(|src=", file.read_text())] == []


@pytest.mark.parametrize(
    ("wanted", "locale"),
    [(("de-AT,de;q=0.9",), "de"), (("fr,de",), "de"), (("fr", None), "en"), ((None, "de_DE"), "de"), ((), "en"), (("",), "en"), (("DE",), "de")],
)
def test_the_first_language_that_we_have_is_spoken(wanted: tuple[str | None, ...], locale: str) -> None:
    assert best_locale(*wanted) == locale


def test_a_name_in_a_mail_is_short_and_no_link() -> None:
    assert named("Win at evil.example/now: http://evil.example") == "Win at evil.\u2060example/\u2060now: http:\u2060/\u2060/\u2060evil.\u2060example"
    assert named("Dr. Ada: the shop") == "Dr. Ada: the shop"
    assert len(named("a" * 400)) == 80


def test_a_subject_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    letter = compose("mail/trial", {}, "en", "https://desk.example")
    assert letter.subject == "Mail from Frontdesk arrives"
    assert "\n-- \nFrontdesk · https://desk.example/" in letter.text


def test_a_text_opens_only_where_it_was_sealed() -> None:
    vault, mail_id = Vault(Vault.make_key()), new_id()
    letter = Letter("Hi", "the link", "<a>")
    assert unseal(vault, mail_id, seal(vault, mail_id, letter)) == letter
    with pytest.raises(CannotOpen):
        unseal(vault, new_id(), seal(vault, mail_id, letter))


async def test_a_dump_of_the_database_holds_no_text_of_a_mail(database: Database, settings: Settings, world: World) -> None:
    from frontdesk import secret_files

    async with database.platform() as db:
        await Mailer(secret_files.load(settings).vault, settings).queue(db, "mail/trial", to="ada@example.org", locale="en", values={})
    ((row,),) = await world.see("select m::text from private.mail_outbox m")
    assert "ada@example.org" in row and "arrives" not in row and "need not" not in row


QUEUE = "select private.queue_mail(gen_random_uuid(), %(of)s, 'ada@example.org', 'mail/trial', 'en', 'sealed', now())"
OPERATORS = ("claim_mail()", "give_mail(gen_random_uuid(), 1)", "settle_mail(gen_random_uuid(), 1, 'sent', null, 0)", "show_mails()", "forget_mails()",
             "list_mails(1)", "mail_state()", "resend_mail(gen_random_uuid())", "mailbox(1)")  # fmt: skip


@pytest.mark.parametrize("stranger", [name for name in STRANGERS if name != "application without a role"])
async def test_nobody_owes_a_mail_in_the_name_of_another_organization_or_reads_any(world: World, stranger: str) -> None:
    enter: Enter = STRANGERS[stranger]
    async with enter(world) as db:
        assert await refused(db, QUEUE, world)
        assert [one for one in OPERATORS if not await refused(db, f"select private.{one}", world)] == []
    assert await world.see("select count(*) from private.mail_outbox") == [(0,)]


async def refused(db: Statements, statement: str, world: World) -> bool:
    from psycopg.errors import InsufficientPrivilege

    try:
        async with db._connection.transaction(), db._connection.pipeline():
            await db._connection.execute(statement, {"of": world.shop.organization_id})  # type: ignore[arg-type]  # one of the above
    except InsufficientPrivilege:
        return True
    return False


async def test_a_members_mail_is_his_organizations_and_goes_with_it(database: Database, settings: Settings, world: World) -> None:
    from frontdesk import secret_files

    mailer = Mailer(secret_files.load(settings).vault, settings)
    async with database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await mailer.queue(db, "mail/trial", to="ada@example.org", locale="en", values={})
    assert await world.see("select organization_id from private.mail_outbox") == [(world.shop.organization_id,)]
    await world.owner.execute("delete from organizations where id = %s", (world.shop.organization_id,))
    assert await world.see("select count(*) from private.mail_outbox") == [(0,)]
    with pytest.raises(NotAMember):
        async with database.tenant(world.shop.organization_id, world.shop.actor):
            pass
