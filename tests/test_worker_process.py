"""The worker beside the web server: it works, it ends with its leader however that ends, and its own end is noticed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frontdesk.database import postmaster
from frontdesk.database.ids import new_id
from tests.test_cli import PATIENCE, Serving, served


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with served(tmp_path_factory.mktemp("serving")) as started:
        yield started


def worker_of(serving: Serving) -> int:
    """The process id of the worker."""
    leader = serving.process.pid
    for pid in Path(f"/proc/{leader}/task/{leader}/children").read_text().split():
        if Path(f"/proc/{pid}/cmdline").read_bytes() == Path(f"/proc/{leader}/cmdline").read_bytes():
            return int(pid)
    raise LookupError("there is no worker")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def soon(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not what() and time.monotonic() < deadline:
        time.sleep(0.02)  # between two looks; another process tells nobody when it ends
    return what()


def test_the_worker_of_a_killed_leader_is_gone_before_the_next_one_works(serving: Serving) -> None:
    worker = worker_of(serving)
    serving.process.kill()
    serving.process.wait()
    assert soon(lambda: not alive(worker))
    serving.start()
    serving.wait_until_healthy()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_of_them_stops_both_cleanly(serving: Serving, sign: signal.Signals) -> None:
    worker = worker_of(serving)
    os.killpg(serving.process.pid, sign)
    assert serving.process.wait(PATIENCE) == 0
    assert not alive(worker)
    assert "Traceback" not in serving.said.read_text()
    serving.start()
    serving.wait_until_healthy()


def test_a_worker_that_is_told_to_stop_goes_on_as_long_as_its_leader(serving: Serving) -> None:
    worker = worker_of(serving)
    os.kill(worker, signal.SIGTERM)
    time.sleep(0.5)  # a signal that is not ignored would have ended it by then
    assert alive(worker) and serving.process.poll() is None


def test_a_worker_that_dies_ends_everything_and_that_is_said(serving: Serving) -> None:
    os.kill(worker_of(serving), signal.SIGKILL)
    assert serving.process.wait(PATIENCE) == 1
    assert "The worker process ended by itself" in serving.said.read_text()
    assert postmaster.leftover(serving.data_dir / "postgres") is None
    serving.start()
    serving.wait_until_healthy()


def test_a_forked_process_makes_other_ids() -> None:
    new_id()
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, new_id().bytes[8:])
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 8) != new_id().bytes[8:]
