"""`commonpoint worker`: the followers in a process of their own."""

import asyncio
import signal

import click
import structlog

from api.logs import configure_logs
from api.wiring import followed, open_parts
from kernel.settings import Settings, load_settings

log = structlog.get_logger(__name__)


@click.command()
def worker() -> None:
    """Bring passes, pushes and the chain to what the ledger says, until SIGTERM or SIGINT.

    Set COMMONPOINT_WORKER_IN_PROCESS=false for `serve` when you run this.
    """
    configure_logs()
    asyncio.run(_work(load_settings()))


async def _work(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with open_parts(settings) as parts, followed(parts):
        log.info("worker.started", followers=[follower.kind for follower in parts.followers])
        await stopping.wait()
    log.info("worker.stopped")
