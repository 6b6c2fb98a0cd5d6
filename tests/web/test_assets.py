"""Static files: one sheet, one script, addresses that change with their content."""

import gzip
import re

import httpx
import pytest

from frontdesk.web.assets import FOREVER, STATIC, serve_static, static


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(serve_static), base_url="http://desk.example")


async def test_a_file_at_its_address_is_kept_for_ever() -> None:
    async with client() as browser:
        answer = await browser.get(static("app.css"), headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == FOREVER
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/css")


async def test_without_its_hash_a_file_is_asked_for_again() -> None:
    async with client() as browser:
        answer = await browser.get("/static/app.js")
        again = await browser.get("/static/app.js", headers={"If-None-Match": answer.headers["etag"]})
    assert answer.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    "path",
    ["/static/../assets.py", "/static/vendor/VENDOR.md", "/static/styles/tokens.css", "/static/", "/static/none.js"],
)
async def test_nothing_else_of_the_folder_is_served(path: str) -> None:
    async with client() as browser:
        assert (await browser.get(path)).status_code == 404


async def test_the_sheet_is_one_declared_cascade_with_every_file_in_a_layer() -> None:
    async with client() as browser:
        sheet = (await browser.get(static("app.css"))).text
    assert re.search(r"@layer tabler, tokens, base, components, pages;", sheet)
    assert "sourceMappingURL" not in sheet
    for file in (STATIC / "styles").glob("*.css"):
        rules = re.sub(r"/[*].*?[*]/", "", file.read_text(), flags=re.DOTALL).strip()
        assert re.match(r"@layer (tokens|base|components|pages) \{", rules), file.name
        assert len(file.read_text().splitlines()) <= 250


async def test_the_fonts_that_the_sheet_names_are_served() -> None:
    async with client() as browser:
        sheet = (await browser.get(static("app.css"))).text
        fonts = re.findall(r'url\("(/static/vendor/[^"]+)"\)', sheet)
        assert len(fonts) == 2
        for font in fonts:
            answer = await browser.get(font)
            assert answer.headers["cache-control"] == FOREVER
            assert answer.content[:4] == b"wOF2"


async def test_the_compressed_form_is_the_same_file() -> None:
    async with client() as browser:
        plain = await browser.get(static("icons.svg"), headers={"Accept-Encoding": "identity"})
        zipped = await browser.get(static("icons.svg"), headers={"Accept-Encoding": "gzip"})
    assert plain.content == zipped.content
    assert len(gzip.compress(plain.content)) < len(plain.content) / 2
