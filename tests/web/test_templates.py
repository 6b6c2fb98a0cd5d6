"""Rules that every template keeps, whoever wrote it."""

import re
from pathlib import Path

import pytest

from frontdesk.web import pages
from frontdesk.web.assets import STATIC
from frontdesk.web.pages import PACKAGE

TEMPLATES = sorted(PACKAGE.glob("**/pages/*.html"))
TAG = re.compile(r"<[a-z][a-z0-9-]*(?:\s(?:[^<>\"']|\"[^\"]*\"|'[^']*'|\{\{.*?\}\}|\{%.*?%\})*)?>", re.DOTALL)
ICONS = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))


def name_of(file: Path) -> str:
    """As it is looked up: `contacts/show.html`."""
    domain = file.parent.parent.relative_to(PACKAGE).as_posix()
    return file.name if domain == "web" else f"{domain}/{file.name}"


def code_of(file: Path) -> str:
    """The template without its comments."""
    return re.sub(r"\{#.*?#\}", "", file.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("file", TEMPLATES, ids=name_of)
def test_a_template_compiles_and_says_what_it_is_given(file: Path) -> None:
    pages().environment.get_template(name_of(file))
    assert file.read_text().startswith("{#")


@pytest.mark.parametrize("file", TEMPLATES, ids=name_of)
def test_a_template_holds_nothing_that_the_policy_refuses(file: Path) -> None:
    code = code_of(file)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", code)
    assert all(re.search(r'nonce="\{\{ nonce \}\}" src=', tag) for tag in re.findall(r"<script[^>]*>", code))
    assert "|safe" not in code.replace(" ", "")
    assert not re.search(r'hx-(vals|headers)=["\']js:|hx-trigger="[^"]*\[', code)


@pytest.mark.parametrize("file", TEMPLATES, ids=name_of)
def test_every_element_of_htmx_carries_the_nonce(file: Path) -> None:
    for tag in TAG.findall(code_of(file)):
        if re.search(r"\shx-(get|post|put|delete|patch|sse)", tag):
            assert 'hx-nonce="{{ nonce }}"' in tag, tag[:200]


@pytest.mark.parametrize("file", TEMPLATES, ids=name_of)
def test_nothing_leads_nowhere(file: Path) -> None:
    code = code_of(file)
    assert not re.search(r'\s(href|action)="(#|)"', code)
    assert all("csrf_input()" in form or 'method="get"' in form or 'method="dialog"' in form for form in forms(code)), name_of(file)


@pytest.mark.parametrize("file", TEMPLATES, ids=name_of)
def test_every_icon_is_in_the_sprite(file: Path) -> None:
    assert set(re.findall(r'\bicon\("([a-z-]+)"[,)]', code_of(file))) <= ICONS


def forms(code: str) -> list[str]:
    """The forms of a template, from tag to tag."""
    return re.findall(r"<form\b.*?</form>", code, flags=re.DOTALL)
