"""`commonpoint doctor`: says what is wrong before a customer does."""

import asyncio
import json
import sys
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import Literal

import aiohttp
import click
from rich.console import Console
from rich.table import Table

from api import migrations
from api.commands.apple_doctor import examined
from api.commands.google_doctor import examined as examined_at_google
from api.storage import database
from kernel.database import Database
from kernel.errors import CommonpointError
from kernel.outbox import waiting
from kernel.settings import Settings, load_settings
from points.audit import audit
from tokens.chain import open_chain

Verdict = Literal["ok", "warn", "bad"]
_COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report."""

    name: str
    verdict: Verdict
    says: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def doctor(as_json: bool) -> None:
    """Check settings, database, ledger, notes, wallets and chain. Exit code 1 if anything is bad."""
    checks = asyncio.run(examine(load_settings()))
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        table = Table("check", "", "what it says", box=None)
        for check in checks:
            table.add_row(check.name, f"[{_COLOURS[check.verdict]}]{check.verdict}[/]", check.says)
        Console().print(table)
    sys.exit(any(check.verdict == "bad" for check in checks))


async def examine(settings: Settings) -> list[Check]:
    """All checks, in the order in which an operator would mend them."""
    checks = [Check("settings", "ok", f"{settings.mode} mode, {settings.public_url}")]
    try:
        async with database(settings) as db:
            for name, look in (("database", _database), ("ledger", _ledger), ("notes", _notes)):
                checks.append(await _safely(name, look(db)))
            checks.append(await _safely("apple", _apple(settings, db)))
            checks.append(await _safely("google", _google(settings, db)))
    except CommonpointError as error:
        return [*checks, Check("database", "bad", error.detail)]
    return [*checks, await _safely("chain", _chain(settings))]


async def _safely(name: str, look: Awaitable[tuple[Verdict, str]]) -> Check:
    try:
        return Check(name, *await look)
    except CommonpointError as error:
        return Check(name, "bad", error.detail)
    except Exception as error:
        return Check(name, "bad", f"{type(error).__name__}: {error}")


async def _database(db: Database) -> tuple[Verdict, str]:
    async with db.read() as read:
        version = await read.connection.fetchval("SHOW server_version")
        unsafe = [
            name
            for name in ("fsync", "full_page_writes", "synchronous_commit")
            if await read.connection.fetchval(f"SHOW {name}") == "off"
        ]
    here, head = await migrations.current(db.url), migrations.head()
    if here != head:
        return "bad", f"PostgreSQL {version}, schema {here or 'empty'}, needed {head}: run `commonpoint migrate`"
    if unsafe:
        return "bad", f"PostgreSQL {version} may lose answered requests: {', '.join(unsafe)} off"
    return "ok", f"PostgreSQL {version}, schema {here}"


async def _ledger(db: Database) -> tuple[Verdict, str]:
    async with db.read() as read:
        findings = await audit(read.connection)
        journals = await read.connection.fetchval("SELECT count(*) FROM journal")
    if findings:
        first = findings[0]
        return "bad", f"{len(findings)} findings, the first: {first.rule}: {first.subject} ({first.detail})"
    return "ok", f"{journals} entries, all rules hold"


async def _notes(db: Database) -> tuple[Verdict, str]:
    async with db.read() as read:
        kinds = await waiting(read.connection)
    stuck = [kind for kind in kinds if kind.stuck]
    if stuck:
        return "warn", "; ".join(
            f"{k.kind}: {k.stuck} stuck since {k.oldest:%Y-%m-%d %H:%M} ({k.error})" for k in stuck
        )
    return "ok", ", ".join(f"{k.kind}: {k.waiting} waiting" for k in kinds) or "nothing waits"


async def _apple(settings: Settings, db: Database) -> tuple[Verdict, str]:
    if settings.apple_twin:
        return "warn", "no certificate: the test twin stands in"
    _, findings = await examined(settings, db)
    said = "; ".join(f"{finding.subject}: {finding.says()}" for finding in findings)
    levels = {finding.level for finding in findings}
    verdict: Verdict = "bad" if "bad" in levels else "warn" if "warn" in levels else "ok"
    return verdict, said or "certificates and push are in order"


async def _google(settings: Settings, db: Database) -> tuple[Verdict, str]:
    if settings.google_service_account is None:
        return "warn", "no service account: the test twin stands in"
    async with aiohttp.ClientSession() as http:
        report = await examined_at_google(settings, db, http)
    found = [finding for finding in report.findings if finding.level in ("bad", "warn")]
    said = "; ".join(f"{finding.subject}: {finding.says()}" for finding in found)
    levels = {finding.level for finding in found}
    verdict: Verdict = "bad" if "bad" in levels else "warn" if "warn" in levels else "ok"
    return verdict, said or f"{report.email}, issuer {settings.google_issuer}"


async def _chain(settings: Settings) -> tuple[Verdict, str]:
    if settings.chain_url in ("off", "memory:"):
        return "ok" if settings.chain_url == "off" else "warn", f"chain {settings.chain_url}"
    chain = open_chain(settings.chain_url)
    try:
        head = await chain.head()
        return "ok", f"chain {await chain.chain_id()}, block {head.number}"
    finally:
        await chain.close()
