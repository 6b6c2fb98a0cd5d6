"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_of_a_document_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert path.read_text("utf-8").startswith(f"# {int(path.name[:4])}. "), path.name


def test_every_command_and_setting_that_the_readme_names_exists() -> None:
    from frontdesk import cli

    known = {command.name or (command.callback and command.callback.__name__) for command in cli.commands.registered_commands}
    known |= {group.name for group in cli.commands.registered_groups}
    text = "".join((ROOT / document).read_text("utf-8") for document in DOCUMENTS)
    assert set(re.findall(r"`frontdesk ([a-z]+)", text)) <= known
    example = (ROOT / ".env.example").read_text("utf-8")
    named = set(re.findall(r"\b(?:FRONTDESK|WHATSAPP|DATABASE|PG)_[A-Z_]+\b", text)) - {"FRONTDESK_TEST_PG"}
    assert {name for name in named if f"#{name}=" not in example} == set()
