"""The command line: `commonpoint serve | worker | migrate | key | doctor | demo`."""

import asyncio
import sys
from typing import Any

import click
from granian.constants import Interfaces
from granian.server import Server
from rich.console import Console

from api import migrations
from api.demo.command import demo
from api.doctor import doctor
from api.logs import configure_logs
from api.wiring import clock_of, database_url
from api.worker import work
from kernel.database import Database
from kernel.errors import CommonpointError
from kernel.secrets import Keyring
from kernel.settings import Settings, load_settings
from network.keys import OPERATOR_SCOPES, SCOPES, NewKey, create_key

console = Console()


class _Group(click.Group):
    """Errors that we understand are one red line and exit code 1, not a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CommonpointError as error:
            Console(stderr=True).print(f"[red]{error.title}:[/] {error.detail}", highlight=False)
            sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="commonpoint")
def main() -> None:
    """Loyalty points for a coalition: a ledger, wallet passes that follow it, and a mirror on a chain.

    Settings are COMMONPOINT_... environment variables; unset ones mean the embedded parts.
    """


@main.command()
def serve() -> None:
    """Serve the API, the pages and the phones; the followers run in the same process unless told otherwise."""
    configure_logs()
    settings = load_settings()
    asyncio.run(database_url(settings))  # starts and migrates an embedded database before the processes attach
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


@main.command()
def worker() -> None:
    """Follow the ledger in a process of its own (set COMMONPOINT_WORKER_IN_PROCESS=false for serve)."""
    configure_logs()
    asyncio.run(work(load_settings()))


@main.command()
@click.argument("revision", default="head")
def migrate(revision: str) -> None:
    """Bring the database to REVISION (default: what this version needs)."""
    settings = load_settings()

    async def run() -> tuple[str | None, str | None]:
        url = await database_url(settings)
        before = await migrations.current(url)
        await migrations.migrate(url, revision)
        return before, await migrations.current(url)

    before, after = asyncio.run(run())
    console.print(f"Schema {before or 'empty'} -> {after or 'empty'}", highlight=False)


@main.group()
def key() -> None:
    """API keys."""


@key.command("create")
@click.option("--operator", is_flag=True, help="A key of the coalition's operator.")
@click.option("--partner", help="The id of the partner the key is for.")
@click.option("--scope", "scopes", multiple=True, help="May be given several times; default: all that are allowed.")
def key_create(operator: bool, partner: str | None, scopes: tuple[str, ...]) -> None:
    """Make a key and print it once, on standard output alone."""
    if operator == (partner is not None):
        raise click.UsageError("name either --operator or --partner")
    made = asyncio.run(_create_key(load_settings(), partner, scopes))
    Console(stderr=True).print(f"Key {made.id} with {', '.join(sorted(made.scopes))}. It is shown this once:")
    click.echo(made.text)


async def _create_key(settings: Settings, partner: str | None, scopes: tuple[str, ...]) -> NewKey:
    db = await Database.connect(await database_url(settings))
    try:
        allowed = SCOPES if partner is None else SCOPES - OPERATOR_SCOPES
        async with db.unit() as unit:
            return await create_key(
                unit, clock_of(settings), Keyring(settings.master_bytes()), settings.mode, partner, scopes or allowed
            )
    finally:
        await db.close()


main.add_command(doctor)
main.add_command(demo)
