"""`commonpoint google`: what Google Wallet thinks of this service, and asking it about every card."""

import asyncio

import click
from rich.console import Console

from api.commands.google_doctor import doctor
from api.storage import database
from kernel.settings import load_settings


@click.group()
def google() -> None:
    """Google Wallet: is everything in order, and who holds which card. The walk-through is docs/google-callbacks.md."""


google.add_command(doctor)


@google.command("reconcile")
def reconcile() -> None:
    """Have Google asked about every card as soon as it has calls to spare, after callbacks were lost.

    Running services do it, a minute from now at the latest; normally each card is asked about once a day.
    """
    settings = load_settings()

    async def run() -> int:
        async with database(settings) as db, db.unit() as unit:
            status = await unit.connection.execute("UPDATE google_object SET checked_at = NULL")
            return int(status.rsplit(" ", 1)[1])

    Console().print(f"{asyncio.run(run())} cards will be asked about")
