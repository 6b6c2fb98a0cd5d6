"""Where a visitor may be sent."""

import pytest

from frontdesk.web import local_path


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/inbox?show=mine&q=a%20b", "/account#sessions"])
def test_a_path_of_ours_is_followed(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "dashboard",
        "/a\nb",
        "/\t/evil.example",
    ],
)
def test_anything_else_leads_to_the_overview(path: str | None) -> None:
    assert local_path(path) == "/dashboard"
