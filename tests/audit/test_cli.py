"""`frontdesk audit verify`."""

import os
import subprocess
import sys
from typing import Any

import psycopg
import pytest

from tests.organizations.test_store import sign_up


@pytest.fixture
def run(urls: Any, tmp_path: Any) -> Any:
    """The command, run as the operator runs it, on the test's database."""

    def go(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"DATABASE_URL": urls.app}
        program = "from frontdesk.audit.cli import app; app()"
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return go


async def test_a_whole_log_exits_with_0_and_a_broken_one_names_the_entry_and_exits_with_1(run: Any, owner: psycopg.AsyncConnection[Any]) -> None:
    salon, _ = await sign_up(owner, "Lagos Glow Salon")
    await sign_up(owner, "Moretti Calzature")
    whole = run("verify")
    assert (whole.returncode, whole.stdout) == (0, "2 entries checked: every chain is whole.\n")
    await owner.execute("alter table public.audit_logs disable trigger all")
    await owner.execute("update public.audit_logs set actor_name = 'Eve' where organization_id = %s", (salon,))
    broken = run("verify")
    assert broken.returncode == 1
    assert broken.stdout == "lagos-glow-salon: entry 1: changed: its content does not match its hash\n2 entries checked: 1 fault.\n"
    one = run("verify", "--organization", "moretti-calzature")
    assert (one.returncode, one.stdout) == (0, "1 entry checked: every chain is whole.\n")
