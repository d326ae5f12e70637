"""`commonpoint google doctor`: credentials, issuer, classes, clock, quota and callbacks, and what mends them."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

import aiohttp
import click
import msgspec
from rich.console import Console
from rich.markup import escape

from api.storage import database
from kernel.database import Database
from kernel.secrets import Keyring
from kernel.settings import Settings, load_settings
from passes.google.callbacks import callback_url
from passes.google.health import ORDER, Finding, Level, Overview, overview
from passes.google.health_checks import (
    Examined,
    credentials_fault,
    examine_account,
    examine_callbacks,
    examine_classes,
    examine_clock_and_keys,
    examine_quota,
    twin,
)
from passes.google.identity import GoogleIdentity
from passes.google.pace import Pace
from passes.google.rest import WalletApi

_COLOURS: dict[Level, str] = {"ok": "green", "note": "cyan", "warn": "yellow", "bad": "red"}


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor found. `email` is "" without credentials; `asked` is None when Google could not be asked."""

    email: str
    seen: Overview
    asked: Examined | None
    findings: list[Finding]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def doctor(as_json: bool) -> None:
    """Check credentials, issuer access, classes, clock, quota and callbacks. Exit code 1 if anything is bad."""
    settings = load_settings()

    async def run() -> Report:
        async with database(settings) as db, aiohttp.ClientSession() as http:
            return await examined(settings, db, http)

    report = asyncio.run(run())
    if as_json:
        click.echo(json.dumps(_told(settings, report), indent=2))
    else:
        _show(settings, report)
    sys.exit(any(finding.level == "bad" for finding in report.findings))


async def examined(settings: Settings, db: Database, http: aiohttp.ClientSession) -> Report:
    """The Google side as stored, and as Google sees it. Asks Google some ten times."""
    seen = await overview(db, settings.google_issuer)
    live = settings.mode == "live"
    if settings.google_service_account is None:
        return Report("", seen, None, _sorted([twin(live), *seen.findings]))
    path = settings.google_service_account
    try:
        identity = GoogleIdentity.from_file(path, settings.google_issuer)
    except (OSError, ValueError, KeyError, msgspec.DecodeError) as error:
        return Report("", seen, None, _sorted([credentials_fault(str(path), error), *seen.findings]))
    asked = await _asked(settings, identity, http, seen)
    # What Google says now of a class counts for more than what was written down.
    stored = [finding for finding in seen.findings if finding.subject not in asked.reviews]
    return Report(identity.email, seen, asked, _sorted([*asked.findings, *stored]))


async def _asked(settings: Settings, identity: GoogleIdentity, http: aiohttp.ClientSession, seen: Overview) -> Examined:
    asked = Examined()
    api = WalletApi(identity, http, settings.google_base_url, pace=Pace.within(settings.google_rate_per_s))
    if await examine_account(identity, api, http, asked):
        await examine_classes(api, seen.classes, asked)
    await examine_clock_and_keys(http, settings.google_root_keys_url, asked)
    waiting = sum(note.waiting for note in seen.notes if note.kind == "google.push")
    examine_quota(settings.google_rate_per_s, seen.standing.rate_per_s if seen.standing else None, waiting, asked)
    await examine_callbacks(
        http,
        callback_url(settings.public_url, Keyring(settings.master_bytes())),
        asked,
        live=settings.mode == "live",
        google_is_twin=not settings.google_base_url.startswith("https://"),
    )
    return asked


def _sorted(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: ORDER[finding.level])


def _show(settings: Settings, report: Report) -> None:
    console = Console(highlight=False, soft_wrap=True)
    seen, asked = report.seen, report.asked
    name = f" ({escape(asked.issuer_name)})" if asked is not None and asked.issuer_name else ""
    console.print(f"[bold]issuer {settings.google_issuer}[/]{name}, account {escape(report.email or 'none')}")
    if seen.standing is not None:
        console.print(f"calls: {seen.standing.standing}, {seen.standing.rate_per_s:.1f} a second")
    objects = seen.objects
    console.print(
        f"cards: {objects.known} at Google, {objects.saved} held, {objects.deleted} put away, {objects.refused} refused"
    )
    newest = f"the newest {seen.callbacks.newest:%Y-%m-%d %H:%M}" if seen.callbacks.newest else "none yet"
    console.print(f"callbacks: {seen.callbacks.kept} kept, {newest}")
    for one in seen.classes:
        review = (asked.reviews.get(one.id) if asked is not None else None) or one.review or "not asked yet"
        console.print(f"class {one.id}: {escape(review)}")
    if asked is not None and asked.clock_off_s is not None:
        console.print(f"clock: {asked.clock_off_s:+.0f} s from Google's")
    if asked is not None and asked.root_keys_until is not None:
        console.print(f"root keys: good until {asked.root_keys_until:%Y-%m-%d}")
    for finding in report.findings:
        subject = f"{finding.subject}: " if finding.subject else ""
        console.print(f"[{_COLOURS[finding.level]}]{finding.level:4}[/] {escape(subject + finding.says())}")
        if finding.command:
            console.print(f"     {finding.command}")
    if not report.findings:
        console.print("[green]ok[/]   nothing to do")


def _told(settings: Settings, report: Report) -> dict[str, Any]:
    seen, asked = report.seen, report.asked
    standing = seen.standing
    return {
        "issuer": {"id": settings.google_issuer, "name": asked.issuer_name if asked else None},
        "account": report.email or None,
        "calls": standing and {
            "standing": standing.standing, "reason": standing.reason, "since": standing.since.isoformat(),
            "rate_per_s": standing.rate_per_s,
        },
        "cards": {
            "known": seen.objects.known, "held": seen.objects.saved, "put_away": seen.objects.deleted,
            "refused": seen.objects.refused, "unasked": seen.objects.unasked,
        },
        "callbacks": {
            "kept": seen.callbacks.kept, "unknown": seen.callbacks.unknown,
            "newest": seen.callbacks.newest.isoformat() if seen.callbacks.newest else None,
        },
        "classes": [
            {"id": one.id, "review": (asked.reviews.get(one.id) if asked else None) or one.review}
            for one in seen.classes
        ],
        "clock_off_s": asked.clock_off_s if asked else None,
        "root_keys_until": asked.root_keys_until.isoformat() if asked and asked.root_keys_until else None,
        "findings": [
            {
                "level": finding.level, "rule": finding.rule, "subject": finding.subject, "says": finding.says(),
                "command": finding.command or None,
            }
            for finding in report.findings
        ],
    }  # fmt: skip
