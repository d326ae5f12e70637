"""Whatever phones, readers and strangers say in Smart Tap: what was said is understood, the rest is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import given
from hypothesis import strategies as st

from kernel.database import Database
from passes.google.smart_tap import Signed, SmartTapRefused, negotiate, opened, request, sign
from passes.google.smart_tap_keys import new_pair
from passes.google.smart_tap_ndef import BadNdef, Record, message, named, records
from passes.sandbox.nfc_terminal import command, content
from passes.sandbox.smart_tap_device import Merchants, SmartTapPhone
from tests.support.smart_taps import SmartTapShop, nonce_of, smart_tap_shop

RECORDS = st.lists(
    st.builds(
        Record, st.sampled_from([1, 2, 4]), st.binary(max_size=20), st.binary(max_size=600), st.binary(max_size=20)
    ),
    min_size=1,
    max_size=8,
)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=64)
COLLECTORS = st.integers(1, 2**32 - 1)
PHONES = st.fixed_dictionaries(
    {"form": st.sampled_from(["plain", "text"]), "packs": st.booleans(), "piece": st.integers(1, 300)}
)
SPLICES = st.lists(st.tuples(st.integers(0, 4095), st.integers(1, 255)), min_size=1, max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "device_nonce": st.text(max_size=140) | st.binary(max_size=40).map(bytes.hex) | JSON,
        "sequence": st.integers(-1, 2**70) | JSON,
        "terminal_id": st.text(max_size=70) | JSON,
        "more": JSON,
    },
)

PAIR = new_pair()


def long_term() -> EllipticCurvePrivateKey:
    key = load_der_private_key(PAIR.private_key, None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


@dataclass(frozen=True)
class Read:
    """What a reader has of one tap."""

    once: EllipticCurvePrivateKey
    word: Signed
    negotiated: bytes
    answer: bytes

    def values(self) -> list[str]:
        return [one.value for one in opened(self.once, self.word, self.negotiated, self.answer)]


def read(value: str, collector: int, **how: Any) -> Read:
    """A phone with one card of this value is held to a reader."""
    merchants = Merchants()
    merchants.publish("1", collector, 3, PAIR.public_key)
    phone = SmartTapPhone(merchants, **how)
    phone.add(
        {"id": "1.a", "state": "ACTIVE", "smartTapRedemptionValue": value},
        {"enableSmartTap": True, "redemptionIssuers": ["1"]},
    )
    once = generate_private_key(SECP256R1())
    word = sign(long_term(), collector, bytes(range(8)), bytes(range(32)), nonce_of(phone), once.public_key())
    negotiated = content(phone.answer(command("90530000", negotiate(word, 3))))
    reply = phone.answer(command("90500000", request(word)))
    answer = reply[:-2]
    while reply[-2:] == b"\x91\x00":
        reply = phone.answer(bytes.fromhex("90c0000000"))
        answer += reply[:-2]
    content(reply)
    return Read(once, word, negotiated, answer)


def spliced(said: bytes, splices: list[tuple[int, int]]) -> bytes:
    changed = bytearray(said)
    for place, bits in splices:
        changed[place % len(changed)] ^= bits
    return bytes(changed)


@given(RECORDS)
def test_records_are_read_as_they_were_written(said: list[Record]) -> None:
    assert records(message(said)) == said


@given(st.binary(max_size=300), RECORDS, SPLICES)
def test_of_any_bytes_a_message_is_made_or_they_are_refused(junk: bytes, said: list[Record], splices: Any) -> None:
    for tried in (junk, spliced(message(said), splices), message(said)[: -1 - splices[0][0]]):
        try:
            found = records(tried)
        except BadNdef:
            continue
        assert records(message(found)) == found


@given(VALUES, COLLECTORS, PHONES)
def test_what_a_card_says_arrives_whatever_the_phone_is_like(value: str, collector: int, how: dict[str, Any]) -> None:
    assert read(value, collector, **how).values() == [value]


@given(VALUES, PHONES, SPLICES, st.booleans())
def test_a_changed_answer_says_the_same_or_nothing(
    value: str, how: dict[str, Any], splices: list[tuple[int, int]], first: bool
) -> None:
    whole = read(value, 7, **how)
    changed = Read(
        whole.once,
        whole.word,
        spliced(whole.negotiated, splices) if first else whole.negotiated,
        whole.answer if first else spliced(whole.answer, splices),
    )
    try:
        assert changed.values() == [value]
    except SmartTapRefused:
        return
    assert named(named(changed.answer, b"srs"), b"reb") == named(named(whole.answer, b"srs"), b"reb")


@given(st.binary(max_size=5000), st.binary(max_size=5000))
def test_nothing_that_a_stranger_makes_up_opens(negotiated: bytes, answer: bytes) -> None:
    whole = read("7", 7)
    for one in (
        Read(whole.once, whole.word, negotiated, answer),
        Read(whole.once, whole.word, whole.negotiated, answer),
        Read(whole.once, whole.word, negotiated, whole.answer),
    ):
        with pytest.raises(SmartTapRefused):
            one.values()


@given(st.lists(st.binary(max_size=300) | st.sampled_from(["9053", "9050", "90c0"]).map(bytes.fromhex), max_size=6))
def test_the_phone_of_the_sandbox_answers_whatever_it_is_told(commands: list[bytes]) -> None:
    phone = SmartTapPhone(Merchants())
    nonce_of(phone)
    assert all(len(phone.answer(one)) >= 2 for one in commands)


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[SmartTapShop]:
    async with smart_tap_shop(db) as opened_shop:
        yield opened_shop


@given(st.lists(CHANGES, min_size=3, max_size=8), JSON)
async def test_no_beginning_is_answered_by_an_error_of_ours(
    shop: SmartTapShop, bodies: list[dict[str, Any]], junk: object
) -> None:
    terminal = await shop.terminal()
    for number, changes in enumerate(bodies, start=1):
        good = {"terminal_id": terminal.terminal_id, "sequence": number, "device_nonce": f"{number:064x}"}
        assert await sent(shop, {**good, **changes}, terminal.headers()) in (201, 400, 403)
    assert await sent(shop, junk, terminal.headers()) == 400


async def sent(shop: SmartTapShop, body: object, headers: dict[str, str]) -> int:
    """The status of the answer to whatever is sent."""
    try:
        raw = msgspec.json.encode(body)
    except (UnicodeEncodeError, msgspec.MsgspecError, OverflowError):
        raw = repr(body).encode("utf-8", "replace")
    more = {**headers, "content-type": "application/json"}
    answer = await shop.client.post("/v1/smart-taps", content=raw, headers=more)
    assert answer.status_code < 500, answer.text
    return answer.status_code
