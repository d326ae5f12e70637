"""A test authority, its identities, and cards to seal."""

import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import CertificateSigningRequestBuilder, Name
from PIL import Image

from passes.apple.identity import Identity
from passes.card import Card, Link, Value, Words
from passes.look import Look
from passes.sandbox.authority import Authority
from passes.sandbox.portal import Portal

OTHER_PASS_TYPE = "pass.test.commonpoint.other"
LABELS: dict[str, Words] = {
    "balance": {"en": "Points", "fi": "Pisteet", "hu": "Pont"},
    "holder": {"en": "Member", "fi": "Jäsen", "hu": "Tag"},
    "tier": {"en": "Level", "fi": "Taso", "hu": "Szint"},
    "next_reward": {"en": "Next reward", "fi": "Seuraava etu", "hu": "Következő jutalom"},
    "news": {"en": "News", "fi": "Uutta", "hu": "Hírek"},
}

_FOLDER = tempfile.TemporaryDirectory(prefix="cp-authority-")  # gone when the process ends


@cache
def authority() -> Authority:
    """One test authority per test process: making keys takes a while."""
    return Authority.at(Path(_FOLDER.name))


@cache
def identity() -> Identity:
    """The signing identity of that authority."""
    made = authority()
    return Identity.load(made.pass_certificate, made.pass_key, made.intermediate)


@cache
def other_identity() -> Identity:
    """An identity of the same authority for another pass type."""
    key = rsa.generate_private_key(65537, 2048)
    request = CertificateSigningRequestBuilder(Name([])).sign(key, hashes.SHA256())
    certificate = Portal(authority()).issue(
        request.public_bytes(serialization.Encoding.DER), pass_type=OTHER_PASS_TYPE, nfc=True
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity.from_bytes(certificate, private, authority().intermediate.read_bytes())


def a_card(**said_now: Any) -> Card:
    """A card of a small café, with what a test wants different: a field of the card, or a value by its key."""
    values: dict[str, Any] = {"balance": 120, "holder": "Aino Mäkinen", "tier": "Gold"}
    values |= {"next_reward": {"en": "Free coffee in 30 points", "fi": "Ilmainen kahvi 30 pisteen päässä"}}
    values |= {key: said_now.pop(key) for key in list(said_now) if key in LABELS}
    values.setdefault("news", {"en": f"You have {values['balance']} points", "fi": f"{values['balance']} pistettä"})
    card: dict[str, Any] = {
        "brand_id": "ptn_1",
        "design": "dsn_1",
        "language": "en",
        "description": {"en": "Kávézó Körút loyalty card", "fi": "Kávézó Körút -kanta-asiakaskortti"},
        "code": "7K3M9QXA2BCD",
        "links": (Link({"en": "Your account"}, "https://example.org/me?a=1&b=2"),),
    }
    return Card(values={key: _value(key, one) for key, one in values.items()}, **(card | said_now))


def _value(key: str, one: object) -> Value:
    label = LABELS[key]
    if isinstance(one, int):
        return Value(label=label, number=one)
    return Value(label=label, text=dict(one) if isinstance(one, Mapping) else {"en": str(one)})


@cache
def icons() -> Mapping[str, bytes]:
    """The least pictures that a phone takes."""
    files = {}
    for scale, name in enumerate(("icon.png", "icon@2x.png", "icon@3x.png"), start=1):
        written = BytesIO()
        Image.new("RGB", (29 * scale, 29 * scale), "#1f3a5f").save(written, "PNG")
        files[name] = written.getvalue()
    return files


class OneLook:
    """The shelf of looks of a café that has one design, whatever its id."""

    async def look(self, design_id: str) -> Look:
        return Look(id=design_id, partner_id="ptn_1", brand_name="Kávézó Körút", logo_text="Kávézó Körút")

    async def pictures(self, look: Look) -> dict[str, bytes]:
        return dict(icons())


def openssl_verify(file: bytes, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What openssl thinks of the signature of a pass file."""
    with zipfile.ZipFile(BytesIO(file)) as archive:
        archive.extractall(folder)
    return subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "signature", "-content",
         folder / "manifest.json", "-CAfile", authority().root, "-purpose", "any", "-out", "/dev/null"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
