"""How fast save links are signed, against the limit: bare RSA signatures by openssl in the same run.

    python -m bench.save_links [rounds]

CPU time; yardstick and links take turns in short slices and the median of the slices' ratios counts, since clock rates
wander. The last line is what a link costs when its key is parsed for every link, as some libraries do.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median

import msgspec

from bench.seal import openssl_signatures_per_s, per_cpu_second
from passes.google.identity import GoogleIdentity
from passes.google.seal import Named, SaveLinks
from passes.sandbox.google_account import make_service_account

ISSUER = "3388000000022000000"
CLASS = f"{ISSUER}.ptn_01jd0000000000000000000000"


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="commonpoint-bench-") as folder:
        path = make_service_account(Path(folder), "http://127.0.0.1:1/token").path
        identity = GoogleIdentity.from_file(path, ISSUER)
        info = msgspec.json.decode(path.read_bytes())
    links = SaveLinks(identity, ["https://points.example"])
    objects = [f"{ISSUER}.pass_{number:026d}" for number in range(1000)]
    coupons = [Named("offerObject", one, f"{CLASS}.0123456789ab") for one in objects]

    def card(number: int) -> object:
        return links.link(objects[number % 1000], CLASS)

    def card_and_coupons(number: int) -> object:
        at = number % 990
        return links.signed([Named("loyaltyObject", objects[at], CLASS), *coupons[at : at + 5]])

    def parsed_anew(number: int) -> object:
        fresh = SaveLinks(GoogleIdentity(info, ISSUER), ["https://points.example"])
        return fresh.link(objects[number % 1000], CLASS)

    works = {"link to a card": card, "link to a card and five coupons": card_and_coupons}
    rates: dict[str, list[float]] = {name: [] for name in works}
    shares: dict[str, list[float]] = {name: [] for name in works}
    limits: list[float] = []
    for _ in range(rounds):
        before = openssl_signatures_per_s()
        for name, work in works.items():
            rates[name].append(per_cpu_second(work, 1.0))
            after = openssl_signatures_per_s()
            limits.append((before + after) / 2)
            shares[name].append(rates[name][-1] / limits[-1])
            before = after
    print(f"{'openssl speed rsa2048':34}{median(limits):9,.0f} signatures/CPU-s")
    for name in works:
        print(f"{name:34}{median(rates[name]):9,.0f} links/CPU-s  {median(shares[name]):.2f} of the limit")
    slow = per_cpu_second(parsed_anew, 1.0, warm_up=1, step=1)
    print(f"{'key parsed for every link':34}{slow:9,.0f} links/CPU-s  {slow / median(limits):.3f} of the limit")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
