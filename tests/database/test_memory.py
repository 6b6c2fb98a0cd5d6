"""The memory of the embedded PostgreSQL follows that of the machine or the container."""

from pathlib import Path

import pytest

from frontdesk.database import memory

GIB = 1024 * memory.MIB


@pytest.mark.parametrize(("has", "gets"), [(GIB // 2, "128MB"), (2 * GIB, "256MB"), (4 * GIB, "512MB"), (64 * GIB, "1024MB")])
def test_an_eighth_is_taken_but_not_less_than_is_needed_nor_more_than_helps(monkeypatch: pytest.MonkeyPatch, has: int, gets: str) -> None:
    monkeypatch.setattr(memory, "memory", lambda: has)
    assert memory.shared_buffers() == gets


def test_a_container_may_use_less_than_the_machine_has(tmp_path: Path) -> None:
    limit, none, absent = tmp_path / "memory.max", tmp_path / "unlimited", tmp_path / "absent"
    limit.write_text("536870912\n")
    none.write_text("max\n")
    whole = memory.memory((none, absent))
    assert whole > GIB // 4 and memory.memory((none, absent, limit)) == min(whole, GIB // 2)
