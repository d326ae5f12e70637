"""`commonpoint key`: the first keys, made on the machine itself."""

import asyncio

import click
from rich.console import Console

from api.storage import database
from kernel.clock import SystemClock
from kernel.secrets import Keyring
from kernel.settings import Settings, load_settings
from network.keys import OPERATOR_SCOPES, SCOPES, NewKey, create_key


@click.group()
def key() -> None:
    """Make API keys."""


@key.command("create")
@click.option("--operator", is_flag=True, help="A key of the coalition's operator.")
@click.option("--partner", help="The id of the partner the key is for.")
@click.option("--scope", "scopes", multiple=True, help="May be given several times; default: all that are allowed.")
def create(operator: bool, partner: str | None, scopes: tuple[str, ...]) -> None:
    """Make a key and print it once, on standard output alone."""
    if operator == (partner is not None):
        raise click.UsageError("name either --operator or --partner")
    made = asyncio.run(_create(load_settings(), partner, scopes))
    note = f"Key {made.id} with {', '.join(sorted(made.scopes))}. It is shown this once:"
    Console(stderr=True).print(note, highlight=False)
    click.echo(made.text)


async def _create(settings: Settings, partner: str | None, scopes: tuple[str, ...]) -> NewKey:
    wanted = scopes or (SCOPES if partner is None else SCOPES - OPERATOR_SCOPES)
    async with database(settings) as db, db.unit() as unit:
        keyring = Keyring(settings.master_bytes())
        return await create_key(unit, SystemClock(), keyring, settings.mode, partner, wanted)
