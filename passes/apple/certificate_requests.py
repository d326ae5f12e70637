"""Certificate signing requests: a key is made here, its public half goes to Apple, the private one never leaves.

It is stored sealed and found again by its public half when Apple's answer is installed. While a request is out, the
certificate in use goes on signing.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.secrets import Keyring
from network.partners import partner
from passes.apple.identities import SEAL_PURPOSE
from passes.apple.identity import BadIdentity, Identity

_PASS_TYPE: Final = re.compile(r"pass\.[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_TEAM: Final = re.compile(r"[A-Z0-9]{10}")
_LONGEST_PASS_TYPE: Final = 155
_KEY_BITS: Final = 2048  # what Apple's pages accept
_MOST_ROWS: Final = 1000


class PassTypeTaken(Conflict):
    """The pass type belongs to another partner, or to the coalition."""

    code = "apple_pass_type_taken"
    title = "The pass type belongs to somebody else"


class NothingToRotate(Conflict):
    """No certificate of the pass type is in use."""

    code = "apple_nothing_to_rotate"
    title = "There is no certificate to rotate"


@dataclass(frozen=True, slots=True)
class Request:
    """A certificate signing request that is out; `pem` is what is uploaded to Apple. `new` if it was made just now."""

    id: str
    pass_type: str
    team: str
    partner_id: str | None
    pem: str
    created_at: datetime
    new: bool = False


async def request(
    db: Database, keyring: Keyring, pass_type: str, *, partner_id: str | None = None, team: str = "", anew: bool = False
) -> Request:
    """A request for a certificate of `pass_type`: the one that is out already, or with `anew` always another key.

    Raises BadIdentity, PartnerUnknown, PassTypeTaken.
    """
    if _PASS_TYPE.fullmatch(pass_type) is None or len(pass_type) > _LONGEST_PASS_TYPE:
        raise BadIdentity(f"A pass type is named like pass.com.example.loyalty, not “{pass_type}”.")
    if team and _TEAM.fullmatch(team) is None:
        raise BadIdentity(f"A team has ten capital letters and digits, not “{team}”.")
    # Making a key takes a tenth of a second or more: not on the event loop, and not while a lock is held.
    made = await asyncio.to_thread(_made, pass_type)
    async with db.unit() as unit:
        await hold(unit, pass_type)
        rows = [row for row in await rows_of(unit.connection) if row["pass_type"] == pass_type]
        refuse_other(rows, partner_id)
        out = [row for row in rows if row["state"] == "requested"]
        if out and not anew:
            return _request(out[-1])
        if partner_id is not None:
            await partner(unit.connection, partner_id)
        await unit.connection.execute(
            "UPDATE apple_identity SET state = 'retired', retired_at = clock_timestamp()"
            " WHERE pass_type = $1 AND state = 'requested'",
            pass_type,
        )
        in_use = next((row["team"] for row in rows if row["state"] == "current"), "")
        return await _kept(unit, keyring, made, pass_type, team or in_use, partner_id)


async def rotate(
    db: Database, keyring: Keyring, pass_type: str, signing: Identity | None, *, anew: bool = False
) -> Request:
    """A request for the certificate that follows the one in use (`signing`), for the same partner and team.

    Raises NothingToRotate without one.
    """
    if signing is None:
        raise NothingToRotate(f"No certificate of {pass_type} is in use: begin with commonpoint apple csr.")
    async with db.read() as read:
        rows = await rows_of(read.connection)
    of_type = (row for row in rows if row["pass_type"] == pass_type and row["state"] == "current")
    owner = next((row["partner_id"] for row in of_type), None)
    return await request(db, keyring, pass_type, partner_id=owner, team=signing.team, anew=anew)


async def open_requests(connection: Connection) -> list[Request]:
    """The requests that wait for Apple's answer, the eldest first."""
    return [_request(row) for row in await rows_of(connection) if row["state"] == "requested"]


async def hold(unit: Unit, pass_type: str) -> None:
    """One request or installation of a pass type at a time, until the unit ends."""
    lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
    await unit.connection.execute(lock, f"apple_identity:{pass_type}")


async def rows_of(connection: Connection) -> list[Any]:
    """The rows of `apple_identity`, the eldest first; of very many the newest."""
    rows: list[Any] = await connection.fetch(
        "SELECT * FROM (SELECT * FROM apple_identity ORDER BY created_at DESC, id DESC LIMIT $1) AS newest"
        " ORDER BY created_at, id",
        _MOST_ROWS,
    )
    return rows


def refuse_other(rows: Sequence[Any], partner_id: str | None) -> None:
    """A pass type is one partner's or the coalition's, and stays so. Raises PassTypeTaken."""
    for row in rows:
        if row["state"] != "retired" and row["partner_id"] != partner_id:
            whose = row["partner_id"] or "the coalition"
            raise PassTypeTaken(f"{row['pass_type']} belongs to {whose}.", pass_type=row["pass_type"])


def sealed(keyring: Keyring, row_id: str, key: rsa.RSAPrivateKey) -> bytes:
    """A private key as it is stored: bound to its row, so that no other row can carry it."""
    plain = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return keyring.seal(SEAL_PURPOSE, row_id, plain)


def _made(pass_type: str) -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key and a request signed with it; Apple reads nothing from it but the public key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, pass_type[:64])])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return key, asked.public_bytes(serialization.Encoding.PEM)


async def _kept(
    unit: Unit,
    keyring: Keyring,
    made: tuple[rsa.RSAPrivateKey, bytes],
    pass_type: str,
    team: str,
    partner_id: str | None,
) -> Request:
    (key, pem), row_id = made, new_id("aid")
    row = await unit.connection.fetchrow(
        """
        INSERT INTO apple_identity (id, pass_type, team, partner_id, state, request, sealed_key, created_at)
        VALUES ($1, $2, $3, $4, 'requested', $5, $6, clock_timestamp())
        RETURNING *
        """,
        row_id, pass_type, team, partner_id, pem, sealed(keyring, row_id, key),
    )  # fmt: skip
    return replace(_request(row), new=True)


def _request(row: Any) -> Request:
    pem = bytes(row["request"]).decode()
    return Request(row["id"], row["pass_type"], row["team"], row["partner_id"], pem, row["created_at"])
