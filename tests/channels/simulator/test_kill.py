"""What the simulator has said yes to survives the end of its process, however sudden."""

import asyncio
import signal
import socket
import sys
from pathlib import Path

import httpx

from tests.channels.simulator.stage import NUMBER, SECRET, Stage

PROGRAM = """
import sys
from pathlib import Path
from frontdesk.channels.simulator import SimulatorSettings, run
port, webhook_url, store, secret = sys.argv[1:]
public_url = f"http://127.0.0.1:{port}/simulator"
settings = SimulatorSettings(secret, webhook_url, public_url, Path(store))
run(settings, development=True, port=int(port))
"""


async def test_what_was_accepted_survives_kill_9(stage: Stage, tmp_path: Path) -> None:
    stage.ear.answers = [503] * 1000
    url, first = await started(stage.ear.url, tmp_path)
    async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as client:
        body = {"to": NUMBER, "from": "+4915112345678", "text": "hi"}
        answers = await asyncio.gather(*(client.post("/inbound", json=body) for _ in range(20)))
    accepted = {answer.json()["id"] for answer in answers}
    first.send_signal(signal.SIGKILL)
    await first.wait()
    stage.ear.answers = []
    _, second = await started(stage.ear.url, tmp_path)
    try:
        await stage.eventually(lambda: {message["id"] for message in stage.ear.messages} == accepted)
    finally:
        second.terminate()
        await second.wait()
    assert second.returncode in (0, -signal.SIGTERM)


async def started(webhook_url: str, folder: Path) -> tuple[str, asyncio.subprocess.Process]:
    """The simulator in a process of its own, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = (str(port), webhook_url, str(folder / "simulator.db"), SECRET)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, *arguments)
    url = f"http://127.0.0.1:{port}/simulator"
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        for _ in range(600):
            try:
                await client.get(f"{url}/messages", params={"to": "+4915112345678"})
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return url, process
    raise AssertionError("the simulator did not start")
