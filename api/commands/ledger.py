"""`commonpoint ledger verify` and `commonpoint ledger audit`: prove that nobody changed the ledger behind our back."""

import asyncio
import gc
import json
import re
import sys
import time
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from api.storage import database
from kernel.settings import Settings, load_settings
from network.audit import SETTLEMENT
from passes.audit import PASSES
from points.audit import CHECKS, Check, Finding, audit
from points.verifying import Head, Report, verify
from tokens.audit import MIRRORED

# Everything that is known to hold, in the order of the domain's list.
ALL_CHECKS: tuple[Check, ...] = tuple(
    sorted((*CHECKS, *SETTLEMENT, *MIRRORED, *PASSES), key=lambda check: check.number)
)

_HEAD = re.compile(r"(?P<height>[0-9]{1,18}):(?P<hash>[0-9a-f]{64})")


@click.group()
def ledger() -> None:
    """Verify the chain over the entries, and audit the rules that must always hold."""


@ledger.command("verify")
@click.option("--head", help="A head noted earlier (height:hash): the chain must still contain it.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def verify_command(head: str | None, as_json: bool) -> None:
    """Recompute the hash chain over all entries; exit code 1 names the first bad entry.

    Prints the head of the chain. Keep it somewhere else: with --head, not even the end of the chain can be cut off or
    rewritten without being noticed.
    """
    noted = _noted(head)
    began = time.perf_counter()
    report = asyncio.run(_verify(load_settings(), noted, quiet=as_json))
    _say(report, time.perf_counter() - began, as_json)
    sys.exit(report.broken is not None)


@ledger.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
@click.option("--most", default=20, show_default=True, help="Examples shown of each broken rule.")
def audit_command(as_json: bool, most: int) -> None:
    """Check every invariant of the ledger, the clearing, the passes and the mirror; exit code 1 if one is broken."""
    findings = asyncio.run(_audit(load_settings(), most))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _tell(findings)
    sys.exit(bool(findings))


def _noted(head: str | None) -> Head | None:
    if head is None:
        return None
    found = _HEAD.fullmatch(head.strip().lower())
    if found is None:
        raise click.UsageError("--head is a height and a hash as `ledger verify` prints them: 1234:9f86d0…")
    return Head(int(found["height"]), bytes.fromhex(found["hash"]))


async def _verify(settings: Settings, noted: Head | None, quiet: bool) -> Report:
    gc.freeze()  # what was loaded so far stays: no need to look through it again and again
    columns = (TextColumn("entries"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with database(settings) as db, db.read() as read:
        total = await read.connection.fetchval("SELECT coalesce(sum(journals), 0)::bigint FROM seal")
        with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bar:
            task = bar.add_task("verify", total=total)
            return await verify(read.connection, noted, lambda n: bar.advance(task, n))


async def _audit(settings: Settings, most: int) -> list[Finding]:
    async with database(settings) as db, db.read() as read:
        return await audit(read.connection, most, ALL_CHECKS)


def _say(report: Report, took_s: float, as_json: bool) -> None:
    broken = report.broken
    if as_json:
        said = {"journals": report.journals, "postings": report.entries, "head": str(report.head), "seconds": took_s}
        click.echo(json.dumps({**said, "broken": None if broken is None else asdict(broken)}, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    if broken is not None:
        where = f"batch {broken.height}" + (f", place {broken.place}" if broken.place else "")
        console.print(f"[red]broken:[/] {broken.says}: {broken.journal_id or 'nobody can say which'} ({where})")
        console.print(f"{report.journals} entries before it are as they were written.")
        return
    console.print(f"[green]ok[/] {report.journals} entries ({report.entries} postings) are as they were written.")
    console.print(f"head {report.head}")


def _tell(findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(f"[red]{finding.number:2} {finding.rule}:[/] {finding.subject} ({finding.detail})")
    broken = len({(finding.number, finding.rule) for finding in findings})
    console.print(f"{len(ALL_CHECKS) - broken} of {len(ALL_CHECKS)} rules hold.")
