"""Android phones are held to readers: who is known by it, how surely, and what is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kernel.database import Database
from kernel.secrets import Keyring
from network.terminals import TerminalRefused, revoke
from passes.google.smart_tap import SmartTapRefused
from passes.google.smart_tap_keys import SmartTapKeyClosed, SmartTapKeyMissing, SmartTapKeys
from passes.google.taps import (
    AFTER,
    ANSWERED_AGAIN,
    BEFORE,
    GOOD_FOR,
    KEPT_OFFLINE,
    PROMPT,
    Answered,
    SmartTaps,
    holder_of,
)
from passes.sandbox.smart_tap_device import MORE, MORE_AS_TABLED
from passes.taken import Taken
from tests.support.smart_taps import SmartTapShop, nonce_of, smart_tap_shop

_LITTLE = timedelta(seconds=1)


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[SmartTapShop]:
    async with smart_tap_shop(db) as opened:
        yield opened


async def refusal(shop: SmartTapShop, answered: Answered) -> str:
    """Why a phone's answer is refused."""
    with pytest.raises(SmartTapRefused) as refused:
        await shop.parts.smart_taps.open(answered)
    return refused.value.why


@pytest.mark.parametrize("form", ["plain", "text"])
@pytest.mark.parametrize("packs", [True, False])
@pytest.mark.parametrize(("piece", "more"), [(240, MORE), (40, MORE), (40, MORE_AS_TABLED)])
async def test_a_tap_proves_that_the_phone_with_the_card_is_here(
    shop: SmartTapShop, form: str, packs: bool, piece: int, more: int
) -> None:
    member_id, terminal = await shop.member(), await shop.terminal(location_id=shop.cafe.location_id)
    phone = await shop.android(member_id, form=form, packs=packs, piece=piece, more=more)
    answered = await shop.session(terminal, phone)
    shop.later(seconds=2)
    taken = await shop.parts.smart_taps.open(answered)
    assert (taken.member_id, taken.assurance, taken.reasons) == (member_id, "proved_present", ())
    assert (taken.location_id, taken.replayed) == (shop.cafe.location_id, False)
    assert taken.tapped_at == shop.now - timedelta(seconds=2)


async def test_the_same_answer_delivered_twice_is_answered_as_the_first_time(shop: SmartTapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    answered = await shop.session(terminal, await shop.android(member_id))
    first = await shop.parts.smart_taps.open(answered)
    shop.later(hours=ANSWERED_AGAIN.total_seconds() / 3600 - 1)
    assert await shop.parts.smart_taps.open(answered) == replace(first, replayed=True)


async def test_of_two_deliveries_at_the_same_moment_one_is_the_first(shop: SmartTapShop) -> None:
    answered = await shop.session(await shop.terminal(), await shop.android(await shop.member()))
    both = await asyncio.gather(*(shop.parts.smart_taps.open(answered) for _ in range(8)))
    assert sorted(taken.replayed for taken in both) == [False] + [True] * 7
    assert len({taken.pass_id for taken in both}) == 1


async def test_a_session_begun_in_one_process_is_opened_in_another(shop: SmartTapShop) -> None:
    member_id, keyring = await shop.member(), shop.parts.keyring
    answered = await shop.session(await shop.terminal(), await shop.android(member_id))
    other = SmartTaps(shop.parts.db, keyring, SmartTapKeys(keyring), shop.parts.phones_clock)
    first = await other.open(answered)
    assert (first.member_id, first.assurance) == (member_id, "proved_present")
    assert await shop.parts.smart_taps.open(answered) == replace(first, replayed=True)


async def test_a_session_opens_one_answer_alone(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    answered = await shop.session(terminal, phone)
    other = await shop.session(terminal, phone)
    await shop.parts.smart_taps.open(answered)
    assert await refusal(shop, replace(other, session_id=answered.session_id)) == "replay"
    assert await refusal(shop, replace(answered, session_id=other.session_id)) == "session"
    assert (await shop.parts.smart_taps.open(other)).replayed is False


async def test_what_does_not_open_leaves_the_session_to_what_does(shop: SmartTapShop) -> None:
    answered = await shop.session(await shop.terminal(), await shop.android(await shop.member()))
    for place in (-1, -40, 0):
        changed = bytearray(answered.answer)
        changed[place] ^= 1
        await refusal(shop, replace(answered, answer=bytes(changed)))
    assert (await shop.parts.smart_taps.open(answered)).assurance == "proved_present"


async def test_an_answer_is_good_for_a_minute(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    early, late = await shop.session(terminal, phone), await shop.session(terminal, phone)
    shop.later(seconds=GOOD_FOR.total_seconds())
    assert (await shop.parts.smart_taps.open(early)).reasons == ()
    shop.later(seconds=1)
    assert await refusal(shop, late) == "window"


async def test_a_session_does_not_live_longer_because_our_clock_is_set_back(shop: SmartTapShop) -> None:
    answered = await shop.session(await shop.terminal(), await shop.android(await shop.member()))
    shop.later(hours=-1)
    assert await refusal(shop, answered) == "window"


async def test_the_key_of_one_use_is_destroyed_with_its_use_and_with_its_time(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    await shop.parts.smart_taps.open(await shop.session(terminal, phone))
    assert await shop.number("SELECT count(*) FROM smart_tap_session WHERE sealed IS NOT NULL") == 0
    await shop.session(terminal, phone)
    assert await shop.number("SELECT count(*) FROM smart_tap_session WHERE sealed IS NOT NULL") == 1
    shop.later(seconds=GOOD_FOR.total_seconds() + 1)
    await shop.parts.smart_taps.value(shop.value_read(terminal, await shop.put(phone, await shop.member("Eino"))))
    assert await shop.number("SELECT count(*) FROM smart_tap_session WHERE sealed IS NOT NULL") == 0


async def test_what_is_of_no_more_use_is_forgotten(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    for _ in range(10):
        await shop.parts.smart_taps.open(await shop.session(terminal, phone))
    shop.later(days=2)
    for _ in range(3):
        await shop.session(terminal, phone)
    assert await shop.number("SELECT count(*) FROM smart_tap_session") == 3


async def test_a_beginning_delivered_twice_gives_the_same_words_to_say(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    nonce = nonce_of(phone)
    begun = await shop.begin(terminal, nonce)
    again = await shop.parts.smart_taps.begin(shop.beginning(terminal, nonce))
    assert again == replace(begun, replayed=True)
    for changed in ({"device_nonce": bytes(32)}, {"sequence": terminal.sequence - 1}, {"device_nonce": nonce[:31]}):
        with pytest.raises(SmartTapRefused):
            await shop.parts.smart_taps.begin(shop.beginning(terminal, nonce, **changed))
    shop.later(seconds=GOOD_FOR.total_seconds() + 1)
    with pytest.raises(SmartTapRefused):
        await shop.parts.smart_taps.begin(shop.beginning(terminal, nonce))


async def test_of_many_beginnings_under_one_number_one_is_made(shop: SmartTapShop) -> None:
    terminal, nonce = await shop.terminal(), bytes(range(32))
    terminal.sequence = 7
    begun = await asyncio.gather(
        *(shop.parts.smart_taps.begin(shop.beginning(terminal, nonce)) for _ in range(6)),
        *(shop.parts.smart_taps.begin(shop.beginning(terminal, bytes(32))) for _ in range(6)),
        return_exceptions=True,
    )
    made = {one.negotiate for one in begun if not isinstance(one, BaseException)}
    assert (len(made), sum(isinstance(one, SmartTapRefused) for one in begun)) == (1, 6)


async def test_a_session_is_its_own_terminals(shop: SmartTapShop) -> None:
    terminal, other = await shop.terminal(), await shop.terminal()
    answered = await shop.session(terminal, await shop.android(await shop.member()))
    stolen = replace(answered, terminal_id=other.terminal_id, terminal_key=other.terminal_key)
    assert await refusal(shop, stolen) == "session"
    for wrong in (
        replace(answered, terminal_key=other.terminal_key),
        replace(answered, partner_id="ptn_other"),
        replace(answered, terminal_id="ter_other"),
    ):
        with pytest.raises(TerminalRefused):
            await shop.parts.smart_taps.open(wrong)
    async with shop.parts.db.unit() as unit:
        await revoke(unit, shop.parts.clock, terminal.terminal_id)
    with pytest.raises(TerminalRefused):
        await shop.parts.smart_taps.open(answered)


async def test_a_terminal_without_its_own_key_is_not_heard(shop: SmartTapShop) -> None:
    terminal, other = await shop.terminal(), await shop.terminal()
    code = await shop.put(await shop.android(await shop.member()), await shop.member("Eino"))
    taps = shop.parts.smart_taps
    for wrong in ("", other.terminal_key, terminal.terminal_key[:-1]):
        with pytest.raises(TerminalRefused):
            await taps.begin(shop.beginning(terminal, bytes(32), sequence=1, terminal_key=wrong))
        with pytest.raises(TerminalRefused):
            await taps.value(shop.value_read(terminal, code, terminal_key=wrong))
    assert await shop.number("SELECT count(*) FROM smart_tap_session") == 0


@pytest.mark.parametrize("session_id", ["", "sts_\x00", "sts_" + "0" * 32, "sts_" + "g" * 32, "x" * 10_000])
async def test_a_session_that_never_was_is_refused(shop: SmartTapShop, session_id: str) -> None:
    answered = await shop.session(await shop.terminal(), await shop.android(await shop.member()))
    assert await refusal(shop, replace(answered, session_id=session_id)) == "session"


async def test_a_value_that_is_no_card_of_ours_is_refused(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    answered = await shop.session(terminal, phone)
    async with shop.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET tap_code = 'ANOTHER'")
    assert await refusal(shop, answered) == "message"


async def test_what_an_iphone_says_is_no_value_of_an_android_phone(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    code = await shop.put(phone, await shop.member("Eino"), wallet="apple")
    with pytest.raises(SmartTapRefused):
        await shop.parts.smart_taps.value(shop.value_read(terminal, code))


async def test_a_voided_card_is_refused(shop: SmartTapShop) -> None:
    answered = await shop.session(await shop.terminal(), await shop.android(await shop.member()))
    async with shop.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET voided = true")
    assert await refusal(shop, answered) == "pass"


async def test_every_refusal_says_the_same_and_is_counted_by_its_reason(shop: SmartTapShop) -> None:
    answered = await shop.session(await shop.terminal(), await shop.android(await shop.member()))
    said = set()
    for wrong in (
        replace(answered, answer=b""),
        replace(answered, negotiated=answered.answer),
        replace(answered, answer=answered.answer[:-1] + bytes([answered.answer[-1] ^ 1])),
        replace(answered, session_id="sts_" + "0" * 32),
    ):
        with pytest.raises(SmartTapRefused) as refused:
            await shop.parts.smart_taps.open(wrong)
        said.add((refused.value.code, refused.value.title, refused.value.detail, str(refused.value.facts)))
    assert len(said) == 1
    assert {"form", "cryptogram", "session"} <= set(shop.parts.smart_taps.counts)


async def test_without_a_key_there_is_no_session(db: Database) -> None:
    async with smart_tap_shop(db) as shop:
        async with db.unit() as unit:
            await unit.connection.execute("DELETE FROM smart_tap_key")
        with pytest.raises(SmartTapKeyMissing):
            await shop.begin(await shop.terminal(), bytes(32))


async def test_a_changed_master_secret_is_told_to_the_operator_and_opens_nothing(shop: SmartTapShop) -> None:
    terminal = await shop.terminal()
    answered = await shop.session(terminal, await shop.android(await shop.member()))
    strange = SmartTapKeys(Keyring(b"another master secret, also 32 by"))
    taps = SmartTaps(shop.parts.db, shop.parts.keyring, strange, shop.parts.phones_clock)
    terminal.sequence += 1
    with pytest.raises(SmartTapKeyClosed):
        await taps.begin(shop.beginning(terminal, bytes(32)))
    async with shop.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE smart_tap_session SET sealed = 'nothing'")
    assert await refusal(shop, answered) == "session"


# Values that a terminal read with keys of its own.


async def value(shop: SmartTapShop, make: Callable[[str], Any]) -> Taken:
    code = await shop.put(await shop.android(await shop.member()), await shop.member("Eino"))
    return await shop.parts.smart_taps.value(make(code))


async def test_a_value_from_an_enrolled_terminal_proves_as_a_tap_does(shop: SmartTapShop) -> None:
    terminal = await shop.terminal(location_id=shop.cafe.location_id)
    read_at = shop.now - PROMPT
    taken = await value(shop, lambda code: shop.value_read(terminal, code, read_at=read_at))
    assert (taken.assurance, taken.tapped_at, taken.location_id) == ("proved_present", read_at, shop.cafe.location_id)


@pytest.mark.parametrize(
    ("ago", "offline", "reasons"),
    [
        (timedelta(0), True, ("offline",)),
        (KEPT_OFFLINE, True, ("offline",)),
        (PROMPT + _LITTLE, False, ("delivered_late",)),
        (BEFORE, False, ("delivered_late",)),
        (-AFTER, False, ("delivered_late",)),
    ],
)
async def test_a_value_that_came_late_only_identifies(
    shop: SmartTapShop, ago: timedelta, offline: bool, reasons: tuple[str, ...]
) -> None:
    terminal, read_at = await shop.terminal(), shop.now - ago
    taken = await value(shop, lambda code: shop.value_read(terminal, code, read_at=read_at, offline=offline))
    assert (taken.assurance, taken.reasons) == ("identified", reasons)


@pytest.mark.parametrize(
    ("ago", "offline"),
    [(BEFORE + _LITTLE, False), (-AFTER - _LITTLE, False), (KEPT_OFFLINE + _LITTLE, True), (-AFTER - _LITTLE, True)],
)
async def test_a_value_outside_its_window_is_refused(shop: SmartTapShop, ago: timedelta, offline: bool) -> None:
    terminal, read_at = await shop.terminal(), shop.now - ago
    with pytest.raises(SmartTapRefused) as refused:
        await value(shop, lambda code: shop.value_read(terminal, code, read_at=read_at, offline=offline))
    assert refused.value.why == "window"


async def test_a_terminals_number_is_good_for_one_value(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    code = await shop.put(phone, await shop.member("Eino"))
    read = shop.value_read(terminal, code)
    first = await shop.parts.smart_taps.value(read)
    shop.later(days=KEPT_OFFLINE.days)
    assert await shop.parts.smart_taps.value(read) == replace(first, replayed=True)
    for changed in (replace(read, value=code[::-1]), replace(read, read_at=shop.now)):
        with pytest.raises(SmartTapRefused):
            await shop.parts.smart_taps.value(changed)
    shop.later(days=2)
    await shop.parts.smart_taps.value(shop.value_read(terminal, code))
    with pytest.raises(SmartTapRefused):
        await shop.parts.smart_taps.value(read)


async def test_a_number_below_the_last_is_refused_though_it_was_never_used(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    code = await shop.put(phone, await shop.member("Eino"))
    terminal.sequence = 9
    await shop.parts.smart_taps.value(shop.value_read(terminal, code))
    for late in (shop.value_read(terminal, code, sequence=9), shop.value_read(terminal, code, sequence=1)):
        with pytest.raises(SmartTapRefused) as refused:
            await shop.parts.smart_taps.value(late)
        assert refused.value.why == "sequence"


async def test_a_number_is_not_shared_by_sessions_values_and_taps_of_the_other_wallet(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    code = await shop.put(phone, await shop.member("Eino"))
    await shop.begin(terminal, bytes(32))
    with pytest.raises(SmartTapRefused):
        await shop.parts.smart_taps.value(shop.value_read(terminal, code, sequence=terminal.sequence))
    used = (await shop.tap(terminal, await shop.phone(await shop.member("Iida")))).status_code
    assert used == 200
    with pytest.raises(SmartTapRefused):
        await shop.parts.smart_taps.begin(shop.beginning(terminal, bytes(32)))


@pytest.mark.parametrize("said", ["", "\x00", "7K3M9QXA2BCD7K3M9QXB", "ÄÖÅ", "x" * 65, "x" * 100_000])
async def test_a_value_that_nobody_has_is_nobodys(shop: SmartTapShop, said: str) -> None:
    terminal = await shop.terminal()
    with pytest.raises(SmartTapRefused) as refused:
        await shop.parts.smart_taps.value(shop.value_read(terminal, said))
    assert refused.value.why == "message"
    async with shop.parts.db.read() as read:
        assert await holder_of(read.connection, said) is None
