"""Anchors: a log that was rewritten as a whole, hashes and all, is found out by what was kept outside of the database."""

import asyncio
import base64
import json
import os
import stat
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from frontdesk.audit import actions
from frontdesk.audit.anchors import Anchor, BadAuditKey, Reader, Signer, UnreadableAnchor
from frontdesk.audit.keeping import NoPlace, NotKept, keep
from frontdesk.database import new_id
from frontdesk.erasure.actions import sweep
from frontdesk.settings import Settings
from tests.audit.test_chain import Log, log
from tests.audit.test_cli import run

__all__ = ["log", "run"]
KEY, OTHER = base64.b64encode(bytes(range(32))).decode(), base64.b64encode(bytes(32)).decode()
SIGNER = Signer(KEY)
# every hash of a chain computed anew, and its end with it: private.verify_audit finds nothing wrong with what comes out
REWRITE = """
do $$
declare entry public.audit_logs; before bytea := '\\x'; here uuid := '%(salon)s';
begin
  for entry in select * from public.audit_logs where organization_id = here order by seq loop
    entry.prev_hash := before;
    before := private.audit_hash(entry);
    update public.audit_logs set prev_hash = entry.prev_hash, hash = before where organization_id = here and seq = entry.seq;
  end loop;
  update private.audit_heads set hash = before, seq = (select max(seq) from public.audit_logs where organization_id = here) where organization_id = here;
end $$
"""


async def anchored(log: Log) -> list[str]:
    """Every log, anchored now."""
    async with log.database.platform() as db:
        return [SIGNER.line(one).decode() for one in await actions.ends(db)]


async def compared(log: Log, lines: Iterable[str], slug: str | None = None, key: str = SIGNER.public_key) -> list[str]:
    async with log.database.platform() as db:
        return [line.split(" on 2")[0] for line in await actions.compare(db, Reader([key]), lines, slug)]


async def rewrite(log: Log, change: str) -> None:
    """Change an entry, and everything that would tell."""
    await log.forge(change)
    await log.forge(REWRITE.replace("%(salon)s", str(log.salon)))


async def test_a_log_that_only_grows_is_as_it_was_anchored(log: Log) -> None:
    lines = await anchored(log)
    assert len(lines) == 2
    await log.write("a.later")
    assert await compared(log, lines + await anchored(log)) == []


async def test_a_chain_rewritten_as_a_whole_is_found_out_and_the_entry_is_named(log: Log) -> None:
    lines = await anchored(log)
    await log.write("a.later")
    lines += await anchored(log)
    await rewrite(log, "update public.audit_logs set actor_name = 'Eve' where organization_id = %(salon)s and seq = 6")
    assert await log.faults() == []
    assert await compared(log, lines) == ["lagos-glow-salon: entry 6: rewritten: entry 6 is not what it was"]
    await rewrite(log, "update public.audit_logs set actor_name = 'Eve' where organization_id = %(salon)s and seq = 3")
    assert await compared(log, lines) == ["lagos-glow-salon: entry 5: rewritten: an entry from 1 to 5 is not what it was"]
    assert await compared(log, lines, "moretti-calzature") == []


async def test_a_chain_shortened_as_a_whole_is_found_out(log: Log) -> None:
    lines = await anchored(log)
    await rewrite(log, "delete from public.audit_logs where organization_id = %(salon)s and seq = 5")
    assert await log.faults() == []
    assert await compared(log, lines) == ["lagos-glow-salon: entry 5: missing: it was there"]


async def test_a_log_that_went_with_its_organization_is_missed_unless_an_owner_had_that_deleted(log: Log) -> None:
    lines = await anchored(log)
    asked = "insert into organization_deletions (organization_id, requested_at, due_at) values (%s, now() - interval '8 days', now())"
    await log.owner.execute(asked, (log.salon,))
    while await sweep(log.database):
        pass
    await log.owner.execute("delete from organizations where id = %s", (log.moretti,))
    assert await compared(log, lines) == ["moretti-calzature: entry 1: missing: it was there"]


async def test_what_is_no_anchor_of_ours_is_named_and_not_believed(log: Log) -> None:
    [line, _] = await anchored(log)
    told = json.loads(line)
    forged = json.dumps(told | {"hash": "00" * 32})
    found = await compared(log, [line, forged, "{", "[]", '{"key": 1}', line[:50], "\n"])
    assert [one.split(":")[0] for one in found] == [f"line {n} of the anchors" for n in (2, 3, 4, 5, 6)]
    assert await compared(log, [line], key=Signer(OTHER).public_key) == [
        f"line 1 of the anchors: it was signed with the key '{told['key']}', which is not known here"
    ]


def test_a_key_proves_what_it_signed_and_nothing_else() -> None:
    anchor = Anchor(new_id(), "salon", 7, b"\x01" * 32, datetime.now(UTC))
    line = SIGNER.line(anchor).decode()
    assert Reader([Signer(OTHER).public_key, SIGNER.public_key]).read(line) == anchor
    for name, value in {"seq": 8, "slug": "x", "organization": str(new_id()), "time": "2020-01-01T00:00:00+00:00", "v": 2}.items():
        with pytest.raises(UnreadableAnchor):
            Reader([SIGNER.public_key]).read(json.dumps(json.loads(line) | {name: value}))
    assert load_pem_public_key(SIGNER.public_pem.encode())


@pytest.mark.parametrize("written", ["", "short", KEY[:-4], KEY + KEY, "ä" * 44])
def test_what_is_no_key_is_refused(written: str) -> None:
    with pytest.raises(BadAuditKey):
        Signer(written)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, FRONTDESK_DATA_DIR=tmp_path)
    assert Signer.of(settings).public_key == Signer.of(settings).public_key
    assert stat.S_IMODE((tmp_path / "secrets" / "audit_key").stat().st_mode) == 0o600
    assert Signer.of(settings.model_copy(update={"audit_key": KEY})).public_key == SIGNER.public_key


# ---- where they are kept ----


async def test_a_file_only_grows_and_what_a_crash_left_is_a_line_of_its_own(tmp_path: Path) -> None:
    settings, file = Settings(_env_file=None), tmp_path / "anchors.jsonl"
    await keep(settings, str(file), b"1\n")
    await keep(settings, str(file), b"2\n3")
    await keep(settings, str(file), b"4\n")
    assert file.read_bytes() == b"1\n2\n3\n4\n"
    with pytest.raises(NotKept):
        await keep(settings, str(tmp_path / "nowhere" / "file"), b"1\n")


async def test_an_address_takes_them_or_says_so(unused_tcp_port: int) -> None:
    taken, answer = [], [204]

    async def take(request: web.Request) -> web.Response:
        taken.append((await request.read(), request.headers["content-type"]))
        return web.Response(status=answer[0])

    app = web.Application()
    app.router.add_post("/anchors", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    place, settings = f"http://127.0.0.1:{unused_tcp_port}/anchors", Settings(_env_file=None)
    try:
        await keep(settings, place, b"1\n")
        assert taken == [(b"1\n", "application/jsonl")]
        for answer[0] in (500, 302):
            with pytest.raises(NotKept, match=str(answer[0])):
                await keep(settings, place, b"1\n")
        with pytest.raises(NoPlace):
            await keep(settings.model_copy(update={"env": "production"}), place, b"1\n")
    finally:
        await runner.cleanup()
    for nowhere in (place, "https://169.254.169.254/latest", "ftp://example.com/x", "https://"):
        with pytest.raises(NotKept):
            await keep(settings, nowhere, b"1\n")


# ---- the commands ----


async def test_the_operator_anchors_and_compares(log: Log, run: Any, tmp_path: Path) -> None:
    file, key = tmp_path / "anchors.jsonl", await asyncio.to_thread(run, "key")
    made = await asyncio.to_thread(run, "anchor", str(file))
    assert (made.returncode, made.stdout) == (0, f"2 logs are anchored in {file}.\n")
    whole = await asyncio.to_thread(run, "verify", "--anchors", str(file), "--public-key", key.stdout.strip())
    assert whole.stdout == "6 entries checked: every chain is whole and as it was anchored.\n"
    await rewrite(log, "update public.audit_logs set actor_name = 'Eve' where organization_id = %(salon)s and seq = 2")
    found = await asyncio.to_thread(run, "verify", "--anchors", str(file))
    assert found.returncode == 1
    assert found.stdout.startswith("lagos-glow-salon: entry 5: rewritten: an entry from 1 to 5 is not what it was on ")
    assert os.stat(file).st_size > 300
