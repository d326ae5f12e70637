"""What Google is told of a pass: what the issuer is allowed, and no more."""

from dataclasses import replace
from datetime import UTC, datetime

from passes.card import Place
from passes.google.push_paper import Allowed, Papers
from passes.google.registry import PassRow
from passes.google.schema.rules import MOST_LINKED
from passes.look import Look
from tests.support.google import KEYRING, ORIGIN, PASS, OneLook, a_card, a_look

ISSUER = "3388000000022000000"
MODEST = Allowed(issuer_id=ISSUER, public_url=ORIGIN)
FULL = replace(MODEST, callback_url=f"{ORIGIN}/google/v1/callbacks/0123", smart_tap=True, places=True)


class Pictured(OneLook):
    """A look with a banner and a picture; counts how often they are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.now = a_look(taps=True)
        self.asked = 0

    async def google_hero(self, look: Look) -> bytes | None:
        self.asked += 1
        return b"png"

    async def google_image(self, look: Look) -> bytes | None:
        return b"png"


async def places(brand_id: str) -> tuple[Place, ...]:
    return (Place(text={"en": "Main Street"}, latitude=60.17, longitude=24.94),)


def a_row() -> PassRow:
    return PassRow(
        pass_id=PASS, member_id="mbr_1", kind="card", card=a_card(), seq=1, voided=False, tap_code="TAPCODE",
        told_at=None, now=datetime.now(UTC), told=None, linked=(), coupons=(), held="unknown",
        refused=None, refused_hash=None,
    )  # fmt: skip


async def test_what_google_did_not_allow_is_not_said() -> None:
    papers = Papers(MODEST, KEYRING, Pictured(), places)
    body = (await papers.paper(a_row())).body
    kind = (await papers.class_paper(a_row())).body
    assert "smartTapRedemptionValue" not in body
    assert not {"enableSmartTap", "redemptionIssuers", "merchantLocations", "callbackOptions"} & kind.keys()


async def test_what_google_allowed_is_said() -> None:
    papers = Papers(FULL, KEYRING, Pictured(), places)
    body = (await papers.paper(a_row())).body
    kind = (await papers.class_paper(a_row())).body
    assert body["smartTapRedemptionValue"] == "TAPCODE"
    assert kind["redemptionIssuers"] == [ISSUER]
    assert kind["callbackOptions"]["url"] == FULL.callback_url
    assert kind["merchantLocations"] == [{"latitude": 60.17, "longitude": 24.94}]


async def test_pictures_are_named_only_where_there_are_some_and_looked_for_once() -> None:
    looks = Pictured()
    papers = Papers(MODEST, KEYRING, looks)
    for _ in range(3):
        kind = (await papers.class_paper(a_row())).body
    assert kind["heroImage"]["sourceUri"]["uri"] == f"{ORIGIN}/designs/dsn_1/hero.png"
    assert looks.asked == 1
    bare = (await Papers(MODEST, KEYRING, OneLook()).class_paper(a_row())).body
    assert "heroImage" not in bare


async def test_what_is_linked_stays_in_front_and_new_coupons_follow_while_there_is_room() -> None:
    papers = Papers(MODEST, KEYRING, OneLook())
    old = tuple(f"{ISSUER}.pass_old_{number}" for number in range(MOST_LINKED - 1))
    row = replace(a_row(), linked=old, coupons=("pass_old_3", "pass_new_1", "pass_new_2"))
    assert (await papers.paper(row)).linked == (*old, f"{ISSUER}.pass_new_1")


async def test_every_pass_has_a_rotating_code_of_its_own() -> None:
    papers = Papers(MODEST, KEYRING, OneLook())
    keys = set()
    for pass_id in (PASS, "pass_01jd0000000000000000000002"):
        body = (await papers.paper(replace(a_row(), pass_id=pass_id))).body
        assert pass_id in body["rotatingBarcode"]["valuePattern"]
        keys.add(body["rotatingBarcode"]["totpDetails"]["parameters"][0]["key"])
    assert len(keys) == 2
