"""The follower process: brings passes, pushes and the chain to what the ledger says."""

import asyncio
import signal

import structlog

from api.wiring import followed, open_parts
from kernel.settings import Settings

log = structlog.get_logger(__name__)


async def work(settings: Settings) -> None:
    """Follow until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with open_parts(settings) as parts, followed(parts):
        log.info("worker.started", followers=[follower.kind for follower in parts.followers])
        await stopping.wait()
    log.info("worker.stopped")
