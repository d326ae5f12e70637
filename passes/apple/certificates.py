"""Installing a certificate: everything is checked that a phone would refuse later, then signing switches to it.

The certificate before it retires in the same transaction. Its key is kept (sealed), so that an earlier certificate can
be installed again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kernel.database import Database, Unit
from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.secrets import Keyring
from network.partners import partner
from passes.apple.certificate_files import CertificateFile
from passes.apple.certificate_requests import hold, refuse_other, rows_of, sealed
from passes.apple.identities import SEAL_PURPOSE
from passes.apple.identity import (
    BadIdentity,
    Identity,
    allows_taps,
    issued_by,
    parse_key,
    pass_type_of,
    team_of,
    wwdr_g4,
)


class KeyAway(Conflict):
    """The certificate was made for a key that is not here."""

    code = "apple_key_away"
    title = "The private key of this certificate is not here"


class TapsLost(Conflict):
    """The new certificate does not allow taps, the one in use does."""

    code = "apple_taps_lost"
    title = "The new certificate does not allow taps"


class TeamChanged(Conflict):
    """The new certificate belongs to another team than the one in use."""

    code = "apple_team_changed"
    title = "The new certificate belongs to another team"


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation did: `replaced` is the certificate that signed until now, None for the first one."""

    id: str
    identity: Identity
    partner_id: str | None
    replaced: x509.Certificate | None
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """What may get lost by an installation, because somebody said so."""

    give_up_taps: bool = False
    change_team: bool = False


async def install(
    db: Database,
    keyring: Keyring,
    file: CertificateFile,
    *,
    key: rsa.RSAPrivateKey | None = None,
    intermediates: Iterable[x509.Certificate] = (),
    partner_id: str | None = None,
    signing: Identity | None = None,
    consent: Consent | None = None,
    now: datetime | None = None,
) -> Installed:
    """Check a certificate and sign with it from now on. Installing the one in use again changes nothing.

    `key` and the file's own key go before the keys of requests. `intermediates` are looked through for the issuer,
    after the file's own; Apple's is known. `signing` is what signs now, for when the store has nothing yet. Raises
    BadIdentity, KeyAway, TapsLost, TeamChanged, PassTypeTaken, PartnerUnknown.
    """
    pass_type = pass_type_of(file.certificate)
    _refuse_out_of_date(file.certificate, now or datetime.now(UTC))
    async with db.unit() as unit:
        await hold(unit, pass_type)
        every = await rows_of(unit.connection)
        row = next((row for row in every if _made_for(row, file.certificate)), None)
        _refuse_other_request(row, file.certificate)
        issuer = _issuer(file, [*intermediates, *_known_issuers(every)])
        identity = Identity.of(file.certificate, key or file.key or _stored_key(row, keyring), issuer)
        if not identity.in_date(now):
            raise BadIdentity(f"The intermediate ended on {identity.ends_at:%Y-%m-%d}: give a newer one.")
        rows = [row for row in every if row["pass_type"] == pass_type]
        before = next((row for row in rows if row["state"] == "current"), None)
        owner = partner_id or _said(row, "partner_id") or _said(before, "partner_id")
        refuse_other(rows, owner)
        if owner is not None:
            await partner(unit.connection, owner)
        if before is not None and _same(before, identity):
            return Installed(before["id"], identity, owner, None, unchanged=True)
        replaced = _certificate(before) or (signing.certificate if signing else None)
        if replaced is not None:
            _refuse_worse(identity, replaced, consent or Consent())
        made = await _switch(unit, keyring, identity, row, owner)
    return Installed(made, identity, owner, replaced)


async def _switch(unit: Unit, keyring: Keyring, identity: Identity, row: Any, partner_id: str | None) -> str:
    """Retire what signs now, then let the new one sign; nobody sees the moment in between."""
    row_id: str = row["id"] if row is not None else new_id("aid")
    await unit.connection.execute(
        "UPDATE apple_identity SET state = 'retired', retired_at = clock_timestamp()"
        " WHERE pass_type = $1 AND state = 'current' AND id <> $2",
        identity.pass_type, row_id,
    )  # fmt: skip
    await unit.connection.execute(
        """
        INSERT INTO apple_identity (
            id, pass_type, team, partner_id, state, certificate, intermediate, sealed_key, nfc, not_after,
            created_at, installed_at
        ) VALUES ($1, $2, $3, $4, 'current', $5, $6, $7, $8, $9, clock_timestamp(), clock_timestamp())
        ON CONFLICT (id) DO UPDATE SET
            team = excluded.team, partner_id = excluded.partner_id, state = 'current',
            certificate = excluded.certificate, intermediate = excluded.intermediate,
            sealed_key = excluded.sealed_key, nfc = excluded.nfc, not_after = excluded.not_after,
            installed_at = excluded.installed_at, retired_at = NULL
        """,
        row_id, identity.pass_type, identity.team, partner_id, _der(identity.certificate),
        _der(identity.intermediate), sealed(keyring, row_id, identity.key), identity.nfc, identity.ends_at,
    )  # fmt: skip
    return row_id


def _refuse_out_of_date(certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        raise BadIdentity(f"The certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}.")
    if now < certificate.not_valid_before_utc:
        begins = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise BadIdentity(f"The certificate begins on {begins}, which is not yet; is this machine's clock right?")


def _refuse_other_request(row: Any, certificate: x509.Certificate) -> None:
    """Apple's pages let one choose the pass type beside the request, and so the wrong one."""
    if row is None:
        return
    pass_type, team = pass_type_of(certificate), team_of(certificate)
    if row["pass_type"] != pass_type:
        raise BadIdentity(
            f"The request was for {row['pass_type']}, the certificate is for {pass_type}: choose"
            f" {row['pass_type']} on Apple's pages and upload the request there again."
        )
    if row["state"] == "requested" and row["team"] not in ("", team):
        raise BadIdentity(f"The request was for team {row['team']}, the certificate belongs to team {team}.")


def _refuse_worse(identity: Identity, replaced: x509.Certificate, consent: Consent) -> None:
    """A pass type hardly ever moves to another team, and a plain certificate stops all taps: both are mistakes."""
    team = team_of(replaced)
    if identity.team != team and not consent.change_team:
        raise TeamChanged(
            f"The certificate belongs to team {identity.team}, the one in use to {team}: phones would take its passes"
            " for others than those they hold."
        )
    if allows_taps(replaced) and not identity.nfc and not consent.give_up_taps:
        raise TapsLost(
            "The certificate in use allows taps and this one does not: phones would refuse every pass with taps."
            " Ask Apple for a certificate “with NFC”."
        )


def _made_for(row: Any, certificate: x509.Certificate) -> bool:
    """Whether a row's key is the one that the certificate names."""
    if row["request"] is not None:
        kept = x509.load_pem_x509_csr(bytes(row["request"])).public_key()
    else:
        kept = x509.load_der_x509_certificate(bytes(row["certificate"])).public_key()
    return kept == certificate.public_key()


def _stored_key(row: Any, keyring: Keyring) -> rsa.RSAPrivateKey:
    if row is None:
        raise KeyAway(
            "No request that was made here fits this certificate. If its key is elsewhere, install a .p12 that holds"
            " both, or give the key's file."
        )
    return parse_key(keyring.open(SEAL_PURPOSE, row["id"], bytes(row["sealed_key"])))


def _issuer(file: CertificateFile, known: Iterable[x509.Certificate]) -> x509.Certificate:
    for candidate in (*file.issuers, *known, wwdr_g4()):
        if issued_by(file.certificate, candidate):
            return candidate
    raise BadIdentity(
        f"The certificate was issued by “{file.certificate.issuer.rfc4514_string()}”, whose own certificate is not"
        " known here: download it from Apple and give it as the intermediate."
    )


def _known_issuers(rows: Sequence[Any]) -> list[x509.Certificate]:
    kept = {bytes(row["intermediate"]) for row in rows if row["intermediate"] is not None}
    return [x509.load_der_x509_certificate(der) for der in sorted(kept)]


def _said(row: Any, column: str) -> Any:
    return row[column] if row is not None else None


def _certificate(row: Any) -> x509.Certificate | None:
    return x509.load_der_x509_certificate(bytes(row["certificate"])) if row is not None else None


def _same(row: Any, identity: Identity) -> bool:
    return bytes(row["certificate"]) == _der(identity.certificate) and bytes(row["intermediate"]) == _der(
        identity.intermediate
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
