"""The service as a process of its own, started as an operator would: settings in the environment, then `serve`."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from kernel.errors import Unavailable
from kernel.settings import PREFIX

READY_WITHIN_S = 60.0
STOPS_WITHIN_S = 15.0


class ServiceDidNotStart(Unavailable):
    """The service process ended or did not become ready."""

    code = "service_did_not_start"
    title = "The service did not start"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and the environment that its commands need."""

    url: str
    port: int
    environment: Mapping[str, str]
    log: Path
    process: Process

    async def command(self, *arguments: str) -> str:
        """Run `commonpoint ...` beside the service and return what it prints."""
        process = await _spawn(arguments, self.environment, stdout=PIPE, stderr=DEVNULL)
        output, _ = await process.communicate()
        return output.decode()

    def kill(self) -> None:
        """End it as a power cut would: no goodbye, nothing finished."""
        os.killpg(self.process.pid, signal.SIGKILL)

    async def doctor(self) -> list[dict[str, str]]:
        """What `commonpoint doctor` says."""
        report: list[dict[str, str]] = json.loads(await self.command("doctor", "--json"))
        return report


@asynccontextmanager
async def service(directory: Path, settings: Mapping[str, object], port: int | None = None) -> AsyncIterator[Service]:
    """Start the service with these settings on a port (unset: a free one) and stop it at the end.

    Raises ServiceDidNotStart.
    """
    port = port or _free_port()
    chosen = {"data_dir": directory, "port": port, **settings}
    environment = {**_inherited(), **{f"{PREFIX}{name.upper()}": str(value) for name, value in chosen.items()}}
    with (directory / "serve.log").open("ab") as log:
        process = await _spawn(("serve",), environment, stdout=log.fileno(), stderr=log.fileno())
    running = Service(f"http://127.0.0.1:{port}", port, environment, directory / "serve.log", process)
    try:
        await _ready(running)
        yield running
    finally:
        await _stop(process)
        _stop_database(directory)


def _inherited() -> dict[str, str]:
    """The environment without settings of ours: the demonstration is the same whatever the shell has set."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}


async def _spawn(arguments: tuple[str, ...], environment: Mapping[str, str], stdout: int, stderr: int) -> Process:
    # A session of its own: Ctrl+C on the terminal is for the demonstration, which then ends the service in order.
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api", *arguments),
        stdin=DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=dict(environment),
        start_new_session=True,
    )


async def _ready(running: Service) -> None:
    deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
    async with aiohttp.ClientSession() as http:
        while asyncio.get_running_loop().time() < deadline and running.process.returncode is None:
            try:
                async with http.get(f"{running.url}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    last = running.log.read_text(errors="replace")[-2000:]
    raise ServiceDidNotStart(f"See {running.log}. Its last lines:\n{last}")


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOPS_WITHIN_S)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _stop_database(directory: Path) -> None:
    """A service that had to be killed leaves its embedded database running: ask it for a fast shutdown."""
    with suppress(FileNotFoundError, ProcessLookupError):
        first_line = (directory / "postgres" / "postmaster.pid").read_text().partition("\n")[0]
        os.kill(int(first_line), signal.SIGINT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
