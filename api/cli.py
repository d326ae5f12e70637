"""The command line: `commonpoint serve | worker | migrate | key | apple | doctor | demo`."""

import sys
from importlib import import_module
from typing import Any

import click
from rich.console import Console

from kernel.errors import CommonpointError

# Name -> (where it is, what it does). Commands are loaded when they are called: a key is made in a moment, though
# serving needs half a hundred libraries.
_COMMANDS = {
    "serve": ("api.commands.serve:serve", "Serve the API, the pages and the phones."),
    "worker": ("api.commands.worker:worker", "Follow the ledger in a process of its own."),
    "migrate": ("api.commands.migrate:migrate", "Bring the database to a schema revision."),
    "key": ("api.commands.key:key", "Make API keys."),
    "apple": ("api.commands.apple:apple", "Ask for, install and rotate Apple's certificates."),
    "google": ("api.commands.google:google", "Ask Google Wallet what it thinks of us."),
    "doctor": ("api.commands.doctor:doctor", "Say what is wrong before a customer does."),
    "programme": ("api.commands.programme:programme", "Write, check, try out and publish programmes."),
    "ledger": ("api.commands.ledger:ledger", "Verify the chain over the entries, and audit the rules."),
    "demo": ("api.demo.command:demo", "Replay real purchases through everything and check the outcome."),
}


class _Commands(click.Group):
    """Loads commands on demand. Errors that we understand are one red line and exit code 1, not a trace."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CommonpointError as error:
            Console(stderr=True).print(f"[red]{error.title}:[/] {error.detail}", highlight=False)
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="commonpoint")
def main() -> None:
    """Loyalty points for a coalition: a ledger, wallet passes that follow it, and a mirror on a chain.

    Settings are COMMONPOINT_... environment variables; unset ones mean the embedded parts.
    """
