"""The peers at work on the same pass: py-pkpass in this process, those for node in processes of their own."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from py_pkpass import models as pkpass

from bench.peers.real_pass import LOOK, TOKEN, card, pictures, ticket
from bench.peers.tools import NODE_MIN, NODE_MIN_PASS_JS, run_script
from contracts.toolchain import ToolMissing
from passes.apple.document import Origin, document
from passes.apple.seal import Sealer
from passes.card import said
from passes.sandbox.authority import Authority


@dataclass(frozen=True, slots=True)
class Measured:
    """A peer's passes per second of CPU time; `passes` is None when it could not run, `note` says why."""

    name: str
    passes: float | None
    note: str = ""


_NODE_PEERS = (
    ("@walletpass/pass-js 7.2.0", "pass_js.mjs", NODE_MIN_PASS_JS),
    ("passkit-generator 3.6.1", "passkit_generator.mjs", NODE_MIN),
)


def node_peers(
    authority: Authority, sealer: Sealer, origin: Origin, folder: Path, seconds: float
) -> Iterator[Measured]:
    """Each of them on the pass that we seal, with the keys of the test authority."""
    job = _job(authority, sealer, origin, folder, seconds)
    for name, script, least in _NODE_PEERS:
        try:
            answer = json.loads(run_script(script, [str(job)], least, timeout_s=60 + 10 * seconds))
        except ToolMissing as error:
            yield Measured(name, None, str(error).splitlines()[0])
        else:
            yield Measured(name, float(answer["per_cpu_second"]))


def py_pkpass(authority: Authority, origin: Origin) -> Callable[[int], object]:
    """One pass by py-pkpass, in one language, as it has no strings files."""
    files = pictures()

    def make(number: int) -> object:
        return _peer_pass(number, files, origin).create(
            str(authority.pass_certificate), str(authority.pass_key), str(authority.intermediate), None
        )

    return make


def _job(authority: Authority, sealer: Sealer, origin: Origin, folder: Path, seconds: float) -> Path:
    images = pictures()
    paper = document(card(132), LOOK, origin, ticket(132))
    files = {**images, **paper.strings, "pass.json": paper.body}
    held: dict[str, str] = {}
    for number, (name, data) in enumerate(files.items()):
        place = folder / f"member_{number}"
        place.write_bytes(data)
        held[name] = str(place)
    sealed = folder / "ours.pkpass"
    sealed.write_bytes(sealer.seal(sealer.template(images), paper))
    job = folder / "job.json"
    job.write_text(
        json.dumps(
            {
                "pass": str(sealed),
                "files": held,
                "certificate": str(authority.pass_certificate),
                "key": str(authority.pass_key),
                "intermediate": str(authority.intermediate),
                "result": str(folder / "theirs.pkpass"),
                "warm_up": 20,
                "seconds": seconds,
            }
        )
    )
    return job


def _peer_pass(number: int, images: dict[str, bytes], origin: Origin) -> "pkpass.Pass":
    paper = card(number)
    layout = pkpass.StoreCard()
    areas = {
        "balance": layout.addHeaderField,
        "holder": layout.addSecondaryField,
        "tier": layout.addSecondaryField,
        "next_reward": layout.addAuxiliaryField,
    }
    for key, value in paper.values.items():
        text = said(value.text, paper.language) or str(value.number)
        areas.get(key, layout.addBackField)(key, text, said(value.label, paper.language))
    made = pkpass.Pass(
        layout, passTypeIdentifier=origin.pass_type, teamIdentifier=origin.team, organizationName=LOOK.brand_name
    )
    made.serialNumber, made.description = f"pass_{number}", said(paper.description, paper.language)
    made.webServiceURL, made.authenticationToken = origin.service_url, TOKEN
    made.barcode = pkpass.Barcode(paper.code, pkpass.BarcodeFormat.QR)
    for name, data in images.items():
        made.addFile(name, BytesIO(data))
    return made
