"""Readers that others wrote agree with us about what a pass says: openssl on who signed it, pass-js on the rest."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.peers.real_pass import LOOK, card, pictures, ticket
from bench.peers.tools import run_script
from kernel.i18n import LANGUAGES
from passes.apple.document import document
from passes.apple.seal import Sealer
from passes.apple.validation import faults
from passes.look import Action, Look, Span
from passes.sandbox.apple_verify import Verifier
from tests.support.apple_cards import authority, identity, openssl_verify
from tests.support.apple_papers import an_origin

STYLES = {"store_card": "storeCard", "generic": "generic", "coupon": "coupon", "event_ticket": "eventTicket"}


def a_file(look: Look = LOOK, number: int = 132) -> bytes:
    """A real pass: three languages, places, taps, pictures at all scales."""
    files = {name: data for name, data in pictures().items() if look.style != "generic" or "strip" not in name}
    return Sealer(identity()).seal(Sealer.template(files), document(card(number), look, an_origin(), ticket(number)))


def read_by_pass_js(file: bytes, folder: Path) -> dict[str, Any]:
    place = folder / "a.pkpass"
    place.write_bytes(file)
    said: dict[str, Any] = json.loads(run_script("read.mjs", [str(place)]))
    return said


@pytest.mark.parametrize("style", STYLES)
def test_pass_js_reads_what_was_written(style: Any, tmp_path: Path) -> None:
    file = a_file(replace(LOOK, style=style))
    ours = Verifier(authority().root.read_bytes()).unpack(file)
    theirs = read_by_pass_js(file, tmp_path)
    assert theirs["style"] == STYLES[style]
    for key in ("serialNumber", "description", "barcodes"):
        assert theirs[key] == ours.document[key]
    for area, fields in ours.document[STYLES[style]].items():
        assert [without_moment(one) for one in theirs["fields"][area]] == [without_moment(one) for one in fields]
    assert theirs["languages"] == sorted(LANGUAGES)
    assert theirs["images"] == sorted(name for name in ours.files if name.endswith(".png"))


def without_moment(field: dict[str, Any]) -> dict[str, Any]:
    """The field with its moment in one zone: that reader tells the same moment in its own."""
    if "dateStyle" not in field:
        return field
    return field | {"value": datetime.fromisoformat(field["value"]).astimezone(UTC).isoformat()}


def test_pass_js_reads_a_pass_with_everything_on_it(tmp_path: Path) -> None:
    look = replace(
        LOOK,
        actions=(Action("shop", "https://kavezo.example/shop"),),
        relevant=(Span(datetime(2026, 6, 30, 12, tzinfo=UTC)),),
        store_ids=(123456789,),
        app_url="cafe://card",
        user_info={"theme": "dark"},
    )
    assert read_by_pass_js(a_file(look), tmp_path)["style"] == "storeCard"


def test_openssl_and_the_hashes_agree_with_a_real_pass(tmp_path: Path) -> None:
    file = a_file()
    checked = openssl_verify(file, tmp_path)
    assert checked.returncode == 0, checked.stderr
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        held = {name: archive.read(name) for name in archive.namelist() if name not in ("manifest.json", "signature")}
    assert manifest == {name: hashlib.sha1(data).hexdigest() for name, data in held.items()}
    assert faults(json.loads(held.pop("pass.json")), held) == []
