"""`commonpoint apple`: certificates from the request to the next rotation, and keys for pushes."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from cryptography import x509
from rich.console import Console

from api.apple_files import chosen_pass_type, file_identity
from api.commands.apple_doctor import doctor
from api.storage import database
from kernel.database import Database
from kernel.secrets import Keyring
from kernel.settings import Settings, load_settings
from passes.apple import certificate_requests
from passes.apple.certificate_files import (
    LARGEST_FILE_BYTES,
    CertificateFile,
    PasswordNeeded,
    read_certificate_file,
    read_certificates,
)
from passes.apple.certificate_requests import Request
from passes.apple.certificates import Consent, Installed, TapsLost, TeamChanged
from passes.apple.certificates import install as install_certificate
from passes.apple.identities import Identities
from passes.apple.identity import BadIdentity, Identity, parse_key, pass_type_of
from passes.apple.push_keys import install_push_key, key_id_of, retire_push_key

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
_PASS_TYPE = click.option("--pass-type", help="Like pass.com.example.loyalty; default: the one in use.")
_OUTPUT = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the request to this file."
)
_ANEW = click.option("--new-key", "anew", is_flag=True, help="Drop a request that is out and make another key.")


@click.group()
def apple() -> None:
    """Certificates and keys for Apple Wallet. The walk-through is docs/certificates.md."""


apple.add_command(doctor)


@apple.command("csr")
@_PASS_TYPE
@click.option("--team", help="Your Team ID, to be compared with the certificate.")
@click.option("--partner", help="The id of the partner whose own pass type it is; default: the coalition's.")
@_OUTPUT
@_ANEW
@_AS_JSON
def csr(
    pass_type: str | None, team: str | None, partner: str | None, output: Path | None, anew: bool, as_json: bool
) -> None:
    """Make a key and a certificate signing request, to be uploaded to Apple.

    The key stays in the database, sealed. Asked again, it gives the same request until a certificate is installed.
    """
    settings = load_settings()
    wanted = pass_type or chosen_pass_type(settings)
    if not wanted:
        raise click.UsageError("name the --pass-type that you registered at Apple")
    known_team = team or (settings.apple_team if "apple_team" in settings.model_fields_set else "")
    _refuse_existing(output)

    async def run() -> Request:
        async with _store(settings) as store:
            return await certificate_requests.request(
                store.db, store.keyring, wanted, partner_id=partner, team=known_team, anew=anew
            )

    _hand_out(asyncio.run(run()), output, as_json)


@apple.command("rotate")
@_PASS_TYPE
@_OUTPUT
@_ANEW
@_AS_JSON
def rotate(pass_type: str | None, output: Path | None, anew: bool, as_json: bool) -> None:
    """Make the request for the next certificate. The one in use goes on signing until `install` switches."""
    settings = load_settings()
    _refuse_existing(output)

    async def run() -> Request:
        async with _store(settings) as store:
            wanted = pass_type or store.only_pass_type()
            signing = store.identities.of(wanted)
            return await certificate_requests.rotate(store.db, store.keyring, wanted, signing, anew=anew)

    _hand_out(asyncio.run(run()), output, as_json)


@apple.command("install")
@click.argument("file", type=_FILE)
@click.option("--key", "key_file", type=_FILE, help="The private key's file, if the key was made elsewhere.")
@click.option("--intermediate", type=_FILE, help="The issuer's certificate, if it is not Apple's G4.")
@click.option("--password-file", type=_FILE, help="A file whose first line opens the .p12 or the key.")
@click.option("--partner", help="The id of the partner whose own pass type it is.")
@click.option("--give-up-taps", is_flag=True, help="Accept a certificate without NFC after one with it.")
@click.option("--change-team", is_flag=True, help="Accept a certificate of another team than the one in use.")
@_AS_JSON
def install(
    file: Path,
    key_file: Path | None,
    intermediate: Path | None,
    password_file: Path | None,
    partner: str | None,
    give_up_taps: bool,
    change_team: bool,
    as_json: bool,
) -> None:
    """Check the certificate in FILE (.cer, .pem or .p12) and sign with it from now on.

    The key is the one of a request, or comes along in a .p12 or with --key. Running services take it up in a minute.
    """
    settings = load_settings()
    password = _first_line(password_file)
    brought = _read(file, password)
    key = parse_key(_bytes(key_file), password) if key_file else None
    issuers = read_certificates(_bytes(intermediate)) if intermediate else ()

    async def run() -> Installed:
        async with _store(settings) as store:
            return await install_certificate(
                store.db,
                store.keyring,
                brought,
                key=key,
                intermediates=(*issuers, *_of_settings(settings)),
                partner_id=partner,
                signing=store.identities.of(pass_type_of(brought.certificate)),
                consent=Consent(give_up_taps, change_team),
            )

    try:
        done = asyncio.run(run())
    except TapsLost as lost:
        raise click.ClickException(f"{lost.detail} To go on without taps: --give-up-taps") from None
    except TeamChanged as other:
        raise click.ClickException(f"{other.detail} If that is meant: --change-team") from None
    _say_installed(done, as_json)


@apple.command("install-push-key")
@click.argument("file", type=_FILE)
@click.option("--team", help="Your Team ID; default: that of the certificate in use.")
@click.option("--key-id", help="The Key ID; default: read from the file's name, AuthKey_<id>.p8.")
@_AS_JSON
def install_push(file: Path, team: str | None, key_id: str | None, as_json: bool) -> None:
    """Send pushes with an authentication key (.p8). It serves all pass types of a team and does not expire."""
    settings = load_settings()
    known_id = key_id or key_id_of(file.name)
    if known_id is None:
        raise click.UsageError("give the --key-id: the file is not named AuthKey_<id>.p8")

    async def run() -> tuple[str, str]:
        async with _store(settings) as store:
            wanted = team or store.identities.default.team
            made = await install_push_key(store.db, store.keyring, _bytes(file), known_id, wanted)
            return made.key_id, made.team

    made_id, made_team = asyncio.run(run())
    if as_json:
        click.echo(json.dumps({"key_id": made_id, "team": made_team}))
        return
    _say(f"[green]Installed[/] push key {made_id} of team {made_team}. Running services take it up within a minute.")


@apple.command("retire-push-key")
@click.argument("key_id")
def retire_push(key_id: str) -> None:
    """Stop using a push key, as before revoking it at Apple; pushes show the certificate again."""
    settings = load_settings()

    async def run() -> None:
        async with _store(settings) as store:
            await retire_push_key(store.db, key_id)

    asyncio.run(run())
    _say(f"Push key {key_id} is retired. Running services stop using it within a minute.")


@dataclass(frozen=True, slots=True)
class _Store:
    db: Database
    keyring: Keyring
    identities: Identities

    def only_pass_type(self) -> str:
        """The pass type that is meant when none is named."""
        found = {identity.pass_type for identity in self.identities.all()}
        if len(found) > 1:
            raise click.UsageError(f"name the --pass-type: one of {', '.join(sorted(found))}")
        return self.identities.default.pass_type


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[_Store]:
    keyring = Keyring(settings.master_bytes())
    async with database(settings) as db:
        identities = Identities(db, keyring, _usable_files(settings), chosen_pass_type(settings))
        await identities.load()
        yield _Store(db, keyring, identities)


def _usable_files(settings: Settings) -> Identity | None:
    """Files that do not fit are the doctor's matter: they must not stop the command that replaces them."""
    try:
        return file_identity(settings)
    except BadIdentity as error:
        Console(stderr=True).print(
            f"[yellow]The files of the settings are left out:[/] {error.detail}", highlight=False
        )
        return None


def _of_settings(settings: Settings) -> tuple[x509.Certificate, ...]:
    if settings.apple_wwdr is None or not settings.apple_wwdr.exists():
        return ()
    return read_certificates(_bytes(settings.apple_wwdr))


def _read(file: Path, password: str | None) -> CertificateFile:
    """The certificate file; a locked one is asked for its password when somebody is there to ask."""
    raw = _bytes(file)
    try:
        return read_certificate_file(raw, password)
    except PasswordNeeded:
        if password is not None or not sys.stdin.isatty():
            raise
    return read_certificate_file(raw, click.prompt(f"Password of {file.name}", hide_input=True, err=True))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None


def _first_line(path: Path | None) -> str | None:
    return None if path is None else _bytes(path).decode("utf-8", "replace").partition("\n")[0].rstrip("\r")


def _refuse_existing(output: Path | None) -> None:
    if output is not None and output.exists():
        raise click.UsageError(f"{output} exists already")


def _hand_out(made: Request, output: Path | None, as_json: bool) -> None:
    """The request itself on standard output or into the file, what to do with it beside it."""
    if output is not None:
        try:
            with output.open("x", encoding="ascii") as file:
                file.write(made.pem)
        except OSError as error:
            raise click.UsageError(f"{output} cannot be written: {error.strerror}") from None
    if as_json:
        told: dict[str, Any] = {"id": made.id, "pass_type": made.pass_type, "team": made.team or None}
        click.echo(json.dumps({**told, "new": made.new, "created_at": made.created_at.isoformat(), "csr": made.pem}))
        return
    if output is None:
        click.echo(made.pem, nl=False)
    since = "" if made.new else f" It has been out since {made.created_at:%Y-%m-%d}; --new-key makes another."
    _say(f"Request for [bold]{made.pass_type}[/].{since}", err=True)
    _say(
        f"1. Upload {output or 'it (as a file)'} at developer.apple.com: Certificates, Identifiers & Profiles >"
        " Certificates > + > Pass Type ID Certificate.",
        err=True,
    )
    _say("2. Download pass.cer, then: commonpoint apple install pass.cer", err=True)


def _say_installed(done: Installed, as_json: bool) -> None:
    identity, before = done.identity, done.replaced
    if as_json:
        told = {
            "id": done.id, "pass_type": identity.pass_type, "team": identity.team, "partner_id": done.partner_id,
            "taps": identity.nfc, "ends_at": identity.ends_at.isoformat(), "days_left": identity.days_left(),
            "by_apple": identity.by_apple, "unchanged": done.unchanged,
            "replaced": None if before is None else f"{before.serial_number:x}",
        }  # fmt: skip
        click.echo(json.dumps(told))
        return
    what = "[green]Installed already:[/]" if done.unchanged else "[green]Installed:[/]"
    whose = f", of partner {done.partner_id}" if done.partner_id else ""
    taps = "taps allowed" if identity.nfc else "no taps"
    _say(f"{what} {identity.pass_type}, team {identity.team}{whose}, {taps}.")
    _say(f"It ends on {identity.ends_at:%Y-%m-%d}, in {identity.days_left()} days.")
    if not identity.by_apple:
        _say("[yellow]Not issued by Apple’s intermediate that this version knows: phones may refuse it.[/]")
    if before is not None and before.not_valid_after_utc > identity.ends_at:
        _say(f"[yellow]The one it replaces would have ended later, on {before.not_valid_after_utc:%Y-%m-%d}.[/]")
    if not done.unchanged:
        _say("Running services sign with it within a minute.")


def _say(text: str, err: bool = False) -> None:
    Console(stderr=err, soft_wrap=True).print(text, highlight=False)
