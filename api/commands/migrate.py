"""`commonpoint migrate`."""

import asyncio

import click
from rich.console import Console

from api import migrations
from api.storage import database_url
from kernel.settings import load_settings


@click.command()
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
    Console().print(f"Schema {before or 'empty'} -> {after or 'empty'}", highlight=False)
