"""`commonpoint apple doctor`: what is wrong with certificates and pushes, and the command that mends it."""

import asyncio
import json
import sys
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from api.apple_files import chosen_pass_type, file_identity
from api.storage import database
from kernel.database import Database
from kernel.secrets import Keyring
from kernel.settings import Settings, load_settings
from passes.apple.health import Finding, Level, Overview, level_of, overview
from passes.apple.identities import Held, Identities
from passes.apple.identity import BadIdentity, Identity, fingerprint
from passes.apple.push_keys import PushKeys

_COLOURS: dict[Level, str] = {"ok": "green", "note": "cyan", "warn": "yellow", "bad": "red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def doctor(as_json: bool) -> None:
    """Check certificates, keys and pushes. Exit code 1 if anything is bad."""
    settings = load_settings()

    async def run() -> tuple[Overview, list[Finding]]:
        async with database(settings) as db:
            return await examined(settings, db)

    seen, findings = asyncio.run(run())
    if as_json:
        click.echo(json.dumps(_told(seen, findings), indent=2))
    else:
        _show(seen, findings)
    sys.exit(any(finding.level == "bad" for finding in findings))


async def examined(settings: Settings, db: Database) -> tuple[Overview, list[Finding]]:
    """The Apple side as stored and as named by the settings. The findings are the overview's and those of the files."""
    keyring = Keyring(settings.master_bytes())
    files: Identity | None = None
    faults: list[Finding] = []
    try:
        files = file_identity(settings)
    except BadIdentity as error:
        faults.append(Finding("bad", "locked", settings.apple_pass_type, {"reason": error.detail}))
    identities = Identities(db, keyring, files, chosen_pass_type(settings))
    push_keys = PushKeys(db, keyring)
    await identities.load()
    await push_keys.load()
    seen = await overview(db, identities, push_keys, live=settings.mode == "live")
    return seen, [*faults, *seen.findings]


def _show(seen: Overview, findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for held in seen.held:
        console.print(_line(held, seen))
    for key in seen.push_keys:
        console.print(f"push key {key.key_id}, team {key.team}, since {key.created_at:%Y-%m-%d}")
    for standing in seen.standings:
        console.print(f"pushes of {standing.pass_type}: {standing.standing} ({standing.authentication})")
    for finding in findings:
        subject = f"{finding.subject}: " if finding.subject else ""
        console.print(f"[{_COLOURS[finding.level]}]{finding.level:4}[/] {escape(subject + finding.says())}")
        if finding.command:
            console.print(f"     {finding.command}")
    if not findings:
        console.print("[green]ok[/]   nothing to do")


def _line(held: Held, seen: Overview) -> str:
    whose = escape(seen.partners.get(held.partner_id or "", held.partner_id or "coalition"))
    begins = f"[bold]{held.pass_type}[/] ({whose}, from the {'store' if held.source == 'store' else 'settings'})"
    identity = held.identity
    if identity is None:
        return f"{begins}: [red]cannot be used[/]"
    days = identity.days_left(seen.at)
    taps = "taps allowed" if identity.nfc else "no taps"
    left = f"[{_COLOURS[level_of(days)]}]{days} days left[/]"
    return f"{begins}: team {identity.team}, {taps}, ends {identity.ends_at:%Y-%m-%d}, {left}"


def _told(seen: Overview, findings: list[Finding]) -> dict[str, Any]:
    return {
        "certificates": [_certificate(held, seen) for held in seen.held],
        "requests": [
            {"pass_type": one.pass_type, "partner_id": one.partner_id, "since": one.created_at.isoformat()}
            for one in seen.requests
        ],
        "push_keys": [{"key_id": key.key_id, "team": key.team, "fault": key.fault or None} for key in seen.push_keys],
        "pushes": [
            {"pass_type": one.pass_type, "standing": one.standing, "reason": one.reason, "since": one.since.isoformat()}
            for one in seen.standings
        ],
        "findings": [
            {
                "level": finding.level, "rule": finding.rule, "subject": finding.subject, "says": finding.says(),
                "command": finding.command or None,
            }
            for finding in findings
        ],
    }  # fmt: skip


def _certificate(held: Held, seen: Overview) -> dict[str, Any]:
    told: dict[str, Any] = {"pass_type": held.pass_type, "from": held.source, "partner_id": held.partner_id}
    identity = held.identity
    if identity is None:
        return {**told, "fault": held.fault}
    return {
        **told,
        "team": identity.team,
        "taps": identity.nfc,
        "ends_at": identity.certificate.not_valid_after_utc.isoformat(),
        "intermediate_ends_at": identity.intermediate.not_valid_after_utc.isoformat(),
        "days_left": identity.days_left(seen.at),
        "by_apple": identity.by_apple,
        "sha256": fingerprint(identity.certificate),
    }
