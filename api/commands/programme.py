"""`commonpoint programme`: write, check, compare and publish programme files."""

import asyncio
import json
import sys
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from api.programmes import publish_checked
from api.storage import database
from kernel.clock import SystemClock
from kernel.settings import Settings, load_settings
from points.programme import shelf
from points.programme.canonical import version_of
from points.programme.diff import differences
from points.programme.fair_change import reasons_against
from points.programme.json_schema import json_schema
from points.programme.lint import lint as advice_on
from points.programme.publishing import Publication
from points.programme.schema.programme import Programme
from points.programme.text import File, ProgrammeFaults, read_file

_SIMULATION = "api.commands.simulation"
_FAULTS, _ADVICE = 2, 1


class _Programme(click.Group):
    """`simulate` brings plotting with it, so it is loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *(["simulate"] if find_spec(_SIMULATION) else [])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "simulate" and find_spec(_SIMULATION):
            command: click.Command = import_module(_SIMULATION).simulate_command
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Programme)
def programme() -> None:
    """Write, check, compare, simulate and publish programme files.

    FILE is a file, or the name of a template (see `show`).
    """


@programme.command("new")
@click.option("--template", required=True, help="The template to start from; `show` lists them.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
@click.option("--name", help="Another name for the programme (lower-case letters, digits, _).")
def new(template: str, output: Path | None, name: str | None) -> None:
    """Start a programme file from a template."""
    text = shelf.template(template)
    if name is not None:
        text = _renamed(text, template, name)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{output} exists already") from None
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {error.strerror}") from None
    console = Console(stderr=True)
    console.print(f"Wrote {output}. Change it, then: commonpoint programme lint {output}", highlight=False)


@programme.command("lint")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def lint(file: str, as_json: bool) -> None:
    """Check a file. Exit code 0: nothing to say, 1: advice, 2: faults."""
    read = _read(file, as_json)
    found = [(read.line(one.place), one) for one in advice_on(read.programme)]
    if as_json:
        views = [{"line": line, "code": one.code, "path": one.path, "text": one.text} for line, one in found]
        click.echo(json.dumps({"version": version_of(read.programme).id, "faults": [], "advice": views}))
    else:
        console = Console()
        for line, one in found:
            said = f"{escape(one.path)}: {escape(one.text)} [dim]({one.code})[/]"
            console.print(f"{escape(file)}:{line}: [yellow]advice:[/] {said}", highlight=False, soft_wrap=True)
        mark = f"[yellow]{len(found)} pieces of advice[/]" if found else "[green]all good[/]"
        version = version_of(read.programme).id
        console.print(f"{escape(file)}: {mark}, version {version}", highlight=False, soft_wrap=True)
    sys.exit(_ADVICE if found else 0)


@programme.command("diff")
@click.argument("old")
@click.argument("new_file", metavar="NEW")
def diff(old: str, new_file: str) -> None:
    """Say what differs between two files. Exit code 0: nothing, 1: something, 2: faults."""
    before, after = _read(old).programme, _read(new_file).programme
    console = Console()
    found = differences(before, after)
    colours = {"added": "green", "removed": "red", "changed": "yellow", "moved": "yellow"}
    for one in found:
        console.print(f"[{colours[one.kind]}]{escape(str(one))}[/]", highlight=False, soft_wrap=True)
    for reason in reasons_against(before, after):
        console.print(f"[red]unfair to members with points:[/] {escape(reason)}", highlight=False, soft_wrap=True)
    if not found:
        console.print("Both are the same version.", highlight=False)
    sys.exit(1 if found else 0)


@programme.command("schema")
def schema() -> None:
    """Print the JSON Schema of programme files, for editors that complete."""
    click.echo(json.dumps(json_schema(), indent=2, default=float))


@programme.command("show")
@click.argument("template", required=False)
def show(template: str | None) -> None:
    """Print a template, or list them all."""
    if template is not None:
        Console().print(Syntax(shelf.template(template), "yaml", background_color="default", word_wrap=True))
        return
    table = Table("template", "currency", "what it is", box=None)
    for name in shelf.names():
        text = shelf.template(name)
        table.add_row(name, read_file(text).programme.currency, escape(text.partition("\n")[0].removeprefix("# ")))
    Console().print(table)


@programme.command("publish")
@click.argument("file")
@click.option("--partner", help="The id of the partner it is for.")
@click.option("--coalition", is_flag=True, help="It is for all partners that have none of their own.")
@click.option("--bind", "bound", multiple=True, metavar="NAME=ID", help="Who a name in the file is; may be repeated.")
@click.option("--from", "starts", metavar="MOMENT", help="When it takes effect, such as 2026-12-01T00:00+02:00.")
def publish(file: str, partner: str | None, coalition: bool, bound: tuple[str, ...], starts: str | None) -> None:
    """Put a file in force, now or from a moment on."""
    if coalition == (partner is not None):
        raise click.UsageError("name either --partner or --coalition")
    ids = dict(_pair(one) for one in bound)
    moment = _moment(starts) if starts is not None else None
    made = asyncio.run(_publish(load_settings(), _read(file).programme, ids, partner, moment))
    where = made.partner_id or "the whole coalition"
    told = f"In force at {where} from {made.effective_from.isoformat()}: {made.version.programme.programme}"
    Console().print(f"[green]{told}[/], version {made.version.id}", highlight=False, soft_wrap=True)


async def _publish(
    settings: Settings, content: Programme, ids: dict[str, str], partner_id: str | None, starts: datetime | None
) -> Publication:
    async with database(settings) as db, db.unit() as unit:
        return await publish_checked(unit, SystemClock(), content, ids, partner_id, starts)


def _read(file: str, as_json: bool = False) -> File:
    """A file or template read; its faults are printed as file:line:column, and the command ends."""
    try:
        return read_file(_content(file))
    except ProgrammeFaults as refused:
        if as_json:
            views = [{"line": f.line, "column": f.column, "path": f.path, "text": f.message} for f in refused.faults]
            click.echo(json.dumps({"version": None, "faults": views, "advice": []}))
        else:
            console = Console(stderr=True)
            for fault in refused.faults:
                where = f"{fault.path}: " if fault.path else ""
                place = f"{file}:{fault.line}:{fault.column}"
                said = f"{escape(place)}: [red]fault:[/] {escape(where + fault.message)}"
                console.print(said, highlight=False, soft_wrap=True)
        sys.exit(_FAULTS)


def _content(file: str) -> bytes:
    path = Path(file)
    if not path.exists() and file in shelf.names():
        return shelf.template(file).encode()
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None


def _renamed(text: str, template: str, name: str) -> str:
    """A template under another name; nothing else in it changes."""
    line = f"programme: {read_file(text).programme.programme}\n"
    if text.count(line) != 1:
        raise click.UsageError(f"the template {template} cannot be renamed")
    renamed = text.replace(line, f"programme: {name}\n")
    try:
        read_file(renamed)
    except ProgrammeFaults as refused:
        raise click.UsageError(refused.faults[0].message) from None
    return renamed


def _pair(text: str) -> tuple[str, str]:
    name, equals, bound = text.partition("=")
    if not (name and equals and bound):
        raise click.UsageError(f"--bind takes NAME=ID, not {text}")
    return name, bound


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text} is not a moment such as 2026-12-01T00:00+02:00") from None
    if moment.tzinfo is None:
        raise click.UsageError(f"{text} does not say its zone; write it like 2026-12-01T00:00+02:00")
    return moment
