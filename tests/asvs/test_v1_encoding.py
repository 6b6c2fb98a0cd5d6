"""ASVS 5.0, chapter 1: what people write is shown as they wrote it, and never becomes markup, script, statement or template."""

import ast
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.async_api import Page, expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.web.running import browsing, register, served
from tests.web.test_everybody import COLLEAGUE, FULL, OPENED

SOURCE = Path(__file__).parents[2] / "src" / "frontdesk"
CORPUS = [
    "<script>pwned = 1</script>",
    "<img src=x onerror=pwned=1>",
    '"><svg onload=pwned=1>',
    "' autofocus onfocus=pwned=1 x='",
    "</textarea></title></script><script>pwned = 1</script>",
    "<a href=\"javascript:pwned=1\">x</a>",
    "<iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
    "<div hx-get=/account hx-trigger=load hx-on::load=pwned=1>x</div>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=pwned=1>",
    "{{7*7}}{% raw %}{{ ''.__class__.__mro__ }}${7*7}<%= 7*7 %>",
    "\u202e<b>bold</b>&lt;i&gt;",
]  # fmt: skip
# Every place in which somebody's words are kept and shown again, past every check of a form; each row gets other ones.
PLACES = [
    "update organizations t set name = left({words}, 200)",
    "update auth.users t set raw_user_meta_data = raw_user_meta_data || jsonb_build_object('name', {words})",
    "update contacts t set name = {words}, given_name = {words}, username = left({words}, 200), note = {words}, search_text = {words}",
    "update messages t set text = {words}, error_text = {words}",
    "update conversations t set last_text = {words}",
    "update auto_replies t set name = left({words}, 200), reply = {words}, keywords = case when trigger = 'keyword' then array[{words}] else '{{}}' end",
    "update channels t set name = left({words}, 200), last_error = {words}, last_error_at = now(), stopped_reason = {words}",
]
WORDS = "(%(corpus)s::text[])[1 + abs(hashtext(t.id::text)) %% %(many)s]"
ALIVE = """() => [...document.querySelectorAll("*")].flatMap(element => [...element.attributes]
    .filter(one => /^on/i.test(one.name) || /^\\s*javascript:/i.test(one.value) || one.name === "srcdoc" || /^hx-on/.test(one.name) && /pwned/.test(one.value))
    .map(one => `${element.tagName} ${one.name}=${one.value}`))"""


@pytest.mark.browser
async def test_1_2_1_and_1_3_1_and_1_3_7_what_somebody_wrote_is_shown_as_text_on_every_page(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str
) -> None:
    async with served(settings, database) as address, browsing(chromium, address, quiet=False) as page:
        await register(page)
        await page.get_by_role("button", name="Load sample data").click()
        await expect(page.locator("#toasts")).to_contain_text("The sample data is here.")
        await owner.execute(COLLEAGUE)
        for statement in PLACES:
            await owner.execute(statement.format(words=WORDS), {"corpus": CORPUS, "many": len(CORPUS)})  # type: ignore[arg-type]  # one of the above
        for path in FULL:
            await harmless(page, path)
        opened = [address for path, link in OPENED.items() if path in FULL and (address := await led_to(page, path, link))]
        assert len(opened) > 4
        for path in opened:
            await harmless(page, path)
        shown, kept = await shown_in(page, "/dashboard/contacts"), await (await owner.execute("select given_name from contacts")).fetchall()
        assert len(kept) > 5 and {name for (name,) in kept if " ".join(name.split()) not in shown} == set()  # all of it is there, and nothing computed with it


async def led_to(page: Page, path: str, link: str) -> str | None:
    """Where the first link of a list leads, if there is one."""
    await page.goto(path)
    found = page.locator(link).first
    return await found.get_attribute("href") if await found.count() else None


async def shown_in(page: Page, path: str) -> str:
    await page.goto(path)
    return " ".join((await page.locator("main").inner_text()).split())


async def harmless(page: Page, path: str) -> None:
    await page.goto(path)
    assert await page.evaluate("typeof pwned") == "undefined", path
    assert await page.evaluate(ALIVE) == [], path


def test_1_3_7_no_template_is_made_of_text() -> None:
    """Templates come from files of ours; a reply's placeholders are looked up, never evaluated."""
    made = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else getattr(getattr(node, "func", None), "id", "")
            if name in ("from_string", "eval", "exec", "compile_expression"):
                made.append(f"{path.relative_to(SOURCE)}:{node.lineno} {name}")  # type: ignore[attr-defined]  # a call has a line
    assert made == []
