"""`commonpoint serve`."""

import asyncio

import click
from granian.constants import Interfaces
from granian.server import Server
from rich.console import Console

from api.logs import configure_logs
from api.storage import database
from kernel.settings import Settings, load_settings


@click.command()
def serve() -> None:
    """Serve the API, the pages and the phones; the followers run in the same process unless told otherwise."""
    configure_logs()
    settings = load_settings()
    asyncio.run(_reach_database(settings))
    console = Console()
    console.print(f"Serving on [bold]{settings.public_url}[/] (API docs: {settings.public_url}/docs)", highlight=False)
    if settings.twins:
        console.print("[yellow]Test twins stand in for Apple and Google: no credentials are set.[/]")
    Server(
        "api.app:from_environment",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=settings.workers,
        log_enabled=False,
        workers_kill_timeout=30,
        websockets=False,
    ).serve()


async def _reach_database(settings: Settings) -> None:
    """An embedded database is started and migrated before the processes attach; a given one must answer."""
    async with database(settings):
        pass
