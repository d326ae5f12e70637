"""How fast passes are sealed on one thread, against the limit (bare RSA signatures by openssl) and against py-pkpass.

    python -m bench.seal [rounds]

A pass here is what the service makes for a phone: document from a card, manifest, signature, archive with six images.
Reported is CPU time, so neighbours on the machine disturb the figures less. Yardstick and passes take turns, 2 seconds
each, and the median of the rounds counts, since clock rates wander.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median

from py_pkpass import models as pkpass

from passes.apple.document import Origin, document
from passes.apple.identity import Identity
from passes.apple.seal import Sealer
from passes.card import Card, Link
from passes.pictures import brand_images
from passes.sandbox.authority import Authority

_TOKEN = "0123456789abcdef0123456789abcdef01234567"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority.at(Path(folder))
        identity = Identity.load(authority.pass_certificate, authority.pass_key, authority.intermediate)
        origin = Origin(identity.pass_type, identity.team, "https://points.example/apple")
        images = brand_images("Kávézó Körút", "#1f3a5f", "#ffffff")
        sealer = Sealer(identity)
        template = sealer.template(images)

        def ours(number: int) -> None:
            sealer.seal(template, document(_card(number), origin, f"pass_{number}", _TOKEN))

        def theirs(number: int) -> None:
            _peer_pass(number, images, origin).create(
                str(authority.pass_certificate), str(authority.pass_key), str(authority.intermediate), None
            )

        taken = [(openssl_signatures_per_s(), per_cpu_second(ours, 2.0)) for _ in range(rounds)]
        peer = per_cpu_second(theirs, 2.0)
    limit, mine = median(limit for limit, _ in taken), median(mine for _, mine in taken)
    ratios = sorted(mine / limit for limit, mine in taken)
    print(f"openssl speed rsa2048     {limit:8,.0f} signatures/s")
    print(f"Commonpoint, whole pass   {mine:8,.0f} passes/CPU-s   {median(ratios):.2f} of the limit", end=" ")
    print(f"[{ratios[0]:.2f}-{ratios[-1]:.2f}, {rounds} rounds]")
    print(f"py-pkpass create()        {peer:8,.1f} passes/CPU-s   {mine / peer:.0f} times slower than ours")


def per_cpu_second(work: Callable[[int], None], seconds: float) -> float:
    """Calls per second of CPU time, measured for about `seconds` after a short warm-up."""
    for number in range(20):
        work(number)
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for _ in range(20):
            work(done)
            done += 1
    return done / spent


def openssl_signatures_per_s() -> float:
    """RSA-2048 signatures per second of CPU time on one core, by `openssl speed`."""
    run = subprocess.run(
        ["openssl", "speed", "-seconds", "2", "-mr", "rsa2048"], capture_output=True, text=True, check=True
    )
    # Machine-readable line: +F2:<number>:<bits>:<signatures per second>:<verifications per second>
    line = next(line for line in run.stdout.splitlines() if line.startswith("+F2:"))
    return float(line.split(":")[3])


def _card(number: int) -> Card:
    return Card(
        brand_id="ptn_1",
        brand_name="Kávézó Körút",
        description="Loyalty card",
        background="#1f3a5f",
        foreground="#ffffff",
        label_colour="#c9d6e8",
        logo_text="Kávézó Körút",
        holder="Aino Mäkinen",
        holder_label="Member",
        balance=number,
        balance_label="Points",
        balance_change="You have %@ points",
        tier="Gold",
        tier_label="Level",
        next_reward="Free coffee in 30 points",
        next_reward_label="Next reward",
        code="7K3M9QXA2BCD",
        language="en",
        links=(Link("Your account", "https://example.org/me"), Link("Delete", "https://example.org/bye")),
    )


def _peer_pass(number: int, images: dict[str, bytes], origin: Origin) -> "pkpass.Pass":
    card = _card(number)
    layout = pkpass.StoreCard()
    layout.addHeaderField("balance", str(card.balance), card.balance_label)
    layout.addSecondaryField("holder", card.holder, card.holder_label)
    layout.addSecondaryField("tier", card.tier, card.tier_label)
    layout.addAuxiliaryField("next_reward", card.next_reward, card.next_reward_label)
    for link in card.links:
        layout.addBackField(link.label, link.url, link.label)
    made = pkpass.Pass(
        layout,
        passTypeIdentifier=origin.pass_type,
        teamIdentifier=origin.team,
        organizationName=card.brand_name,
    )
    made.serialNumber, made.description = f"pass_{number}", card.description
    made.webServiceURL, made.authenticationToken = origin.service_url, _TOKEN
    made.barcode = pkpass.Barcode(card.code, pkpass.BarcodeFormat.QR)
    for name, data in images.items():
        made.addFile(name, BytesIO(data))
    return made


if __name__ == "__main__":
    main()
