"""Planning is arithmetic: what is mirrored adds up, whatever moved."""

from collections.abc import Mapping
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.batches import (
    DELTA_LIMIT,
    ChangeTooLarge,
    Counters,
    Key,
    Kind,
    Limits,
    MemberChange,
    Move,
    batch_id,
    changes,
    counters,
    effect,
    fitting,
    gas,
    member_address,
    pack,
    size,
    unpack,
)
from tokens.chain import Fees
from tokens.signing import FeeTooHigh, fee_offer, signing_is_native

amounts = st.integers(min_value=-DELTA_LIMIT, max_value=DELTA_LIMIT - 1)
entries = st.lists(st.tuples(st.binary(min_size=20, max_size=20), amounts), max_size=40)
partners = st.sampled_from(["ptn_a", "ptn_b", "ptn_c"])
members = st.sampled_from(["mbr_1", "mbr_2", "mbr_3", "mbr_4"])


@st.composite
def keys(draw: st.DrawFn) -> Key:
    kind: Kind = draw(st.sampled_from(get_args(Kind)))
    return Key(draw(members), draw(partners), draw(partners) if kind == "redeemed" else "", kind)


totals = st.dictionaries(keys(), st.integers(min_value=0, max_value=10**9), max_size=30)


def spendable(positions: Mapping[Key, int]) -> int:
    return sum(effect(Move(key, points)) for key, points in positions.items())


@given(entries)
def test_packed_entries_read_back_as_written(written: list[tuple[bytes, int]]) -> None:
    assert unpack(pack(written)) == written


@given(entries)
def test_every_entry_takes_26_bytes(written: list[tuple[bytes, int]]) -> None:
    assert len(pack(written)) == 26 * len(written)


@pytest.mark.parametrize("delta", [DELTA_LIMIT, -DELTA_LIMIT - 1])
def test_a_change_beyond_48_bits_is_refused(delta: int) -> None:
    with pytest.raises(ChangeTooLarge):
        pack([(bytes(20), delta)])


@pytest.mark.parametrize("length", [19, 21])
def test_an_address_of_the_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="20 bytes"):
        pack([(bytes(length), 1)])


def test_a_torn_entry_is_not_read() -> None:
    with pytest.raises(ValueError, match="whole entries"):
        unpack(bytes(27))


@given(totals, totals)
def test_what_partners_owe_changes_by_what_members_hold(now: dict[Key, int], mirrored: dict[Key, int]) -> None:
    planned = changes(now, mirrored)
    deltas = counters(move for change in planned for move in change.moves)
    assert sum(delta.outstanding for delta in deltas.values()) == sum(change.delta for change in planned)
    assert sum(delta.redeemed_of for delta in deltas.values()) == sum(delta.redeemed_at for delta in deltas.values())
    assert sum(change.delta for change in planned) == spendable(now) - spendable(mirrored)


@given(totals, totals)
def test_after_a_batch_nothing_is_left_to_do(now: dict[Key, int], mirrored: dict[Key, int]) -> None:
    after = dict(mirrored)
    for change in changes(now, mirrored):
        for key, points in change.moves:
            after[key] = after.get(key, 0) + points
    assert changes(now, after) == []


@given(totals, totals, totals)
def test_two_batches_do_what_one_would(first: dict[Key, int], second: dict[Key, int], start: dict[Key, int]) -> None:
    def by_partner(*steps: list[MemberChange]) -> dict[str, Counters]:
        return counters(move for step in steps for change in step for move in change.moves)

    assert by_partner(changes(first, start), changes(second, first)) == by_partner(changes(second, start))


def test_a_member_in_step_is_left_out() -> None:
    key = Key("mbr_1", "ptn_a", "", "issued")
    assert changes({key: 5}, {key: 5}) == []


def test_earning_and_spending_the_same_amount_moves_partners_but_not_the_member() -> None:
    earned, spent = Key("mbr_1", "ptn_a", "", "issued"), Key("mbr_1", "ptn_b", "ptn_a", "redeemed")
    (change,) = changes({earned: 10, spent: 10}, {})
    assert change.delta == 0
    assert counters(change.moves) == {
        "ptn_a": Counters(issued=10, redeemed_at=10),
        "ptn_b": Counters(redeemed_of=10),
    }


def waiting(count: int, partner_count: int = 3) -> list[MemberChange]:
    return [
        MemberChange(f"mbr_{n:05}", (Move(Key(f"mbr_{n:05}", f"ptn_{n % partner_count}", "", "issued"), 1),))
        for n in range(count)
    ]


@given(st.integers(1, 900), st.integers(1, 60), st.integers(300_000, 20_000_000), st.integers(2_000, 130_000))
def test_batches_stay_inside_both_limits(count: int, partner_count: int, gas_limit: int, size_limit: int) -> None:
    limits = Limits(gas_limit, size_limit)
    left = waiting(count, partner_count)
    seen: list[MemberChange] = []
    while left:
        batch = fitting(left, limits)
        touched = len({partner for change in batch for partner in change.partners})
        assert batch
        assert len(batch) == 1 or gas(len(batch), touched) <= gas_limit
        assert len(batch) == 1 or size(len(batch), touched) <= size_limit
        seen += batch
        left = left[len(batch) :]
    assert seen == waiting(count, partner_count)


def test_the_usual_batch_fits_the_usual_limits() -> None:
    assert len(fitting(waiting(250, 40), Limits())) == 250


def test_a_members_address_depends_on_the_secret_and_says_nothing_else() -> None:
    address = member_address(b"s" * 32, "mbr_1")
    assert len(bytes.fromhex(address[2:])) == 20
    assert address == member_address(b"s" * 32, "mbr_1")
    assert address != member_address(b"t" * 32, "mbr_1")
    assert address != member_address(b"s" * 32, "mbr_2")


def test_a_batch_is_named_by_its_place_in_the_sequence() -> None:
    names = {batch_id(*place) for place in [(1, "0xc", "0xs", 0), (2, "0xc", "0xs", 0), (1, "0xd", "0xs", 0)]}
    names |= {batch_id(1, "0xc", "0xs", 1), batch_id(1, "0xc", "0xt", 0)}
    assert len(names) == 5
    assert batch_id(1, "0xC", "0xS", 0) == batch_id(1, "0xc", "0xs", 0)


@pytest.mark.parametrize(
    ("base", "tip", "ceiling", "max_fee"),
    [(10, 1, 100, 21), (0, 0, 100, 0), (60, 1, 100, 100), (99, 1, 100, 100)],
)
def test_the_fee_follows_the_base_fee_up_to_the_ceiling(base: int, tip: int, ceiling: int, max_fee: int) -> None:
    assert fee_offer(Fees(base, tip), ceiling).max_fee == max_fee


def test_a_fee_above_the_ceiling_waits() -> None:
    with pytest.raises(FeeTooHigh):
        fee_offer(Fees(100, 1), 100)


def test_signing_runs_in_c() -> None:
    assert signing_is_native()
