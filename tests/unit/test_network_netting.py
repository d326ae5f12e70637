"""Netting: nothing appears, nothing is lost, cents are whole."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.netting import OPERATOR, Flow, Position, net

_PARTNERS = ("ptn_a", "ptn_b", "ptn_c", "ptn_d", "ptn_e")
_micros = st.integers(-(10**15), 10**15)
_flow = st.tuples(st.sampled_from(_PARTNERS), st.sampled_from(_PARTNERS), _micros, _micros).map(lambda f: Flow(*f))
_cycles = st.lists(st.lists(_flow, max_size=12), min_size=1, max_size=5)
_units = st.sampled_from([1_000, 10_000, 1_000_000])


@given(_cycles, _units)
def test_over_any_cycles_nets_and_carries_sum_to_zero_and_nothing_is_lost(cycles: list[list[Flow]], unit: int) -> None:
    carried: dict[str, int] = {}
    owed: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for flows in cycles:
        positions = net(flows, carried, unit)
        assert sum(one.net_minor for one in positions) == 0
        assert sum(one.carry_micros for one in positions) == 0
        assert all(abs(one.carry_micros) < unit for one in positions)
        for flow in flows:
            owed[flow.issuer_id] -= flow.issuer_micros
            owed[flow.acceptor_id] += flow.acceptor_micros
            owed[OPERATOR] += flow.issuer_micros - flow.acceptor_micros
        for one in positions:
            paid[one.party_id] += one.net_minor * unit
        carried = {one.party_id: one.carry_micros for one in positions if one.carry_micros}
    for party in owed:
        assert paid[party] + carried.get(party, 0) == owed[party]


@given(st.lists(_flow, max_size=12), _units)
def test_a_position_accounts_for_itself(flows: list[Flow], unit: int) -> None:
    for one in net(flows, {}, unit):
        total = one.gets_micros - one.pays_micros + one.carried_in_micros
        assert total == one.net_minor * unit + one.carry_micros


@given(st.lists(_flow, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_obligations_does_not_matter(flows: list[Flow], random: object) -> None:
    shuffled = sorted(flows, key=lambda flow: hash((id(random), flow)))
    assert net(shuffled, {}, 10_000) == net(flows, {}, 10_000)


@given(st.lists(_flow, max_size=12), _units)
def test_a_cycle_that_is_taken_back_in_the_next_leaves_nothing(flows: list[Flow], unit: int) -> None:
    first = net(flows, {}, unit)
    back = [Flow(f.issuer_id, f.acceptor_id, -f.issuer_micros, -f.acceptor_micros) for f in flows]
    second = net(back, {one.party_id: one.carry_micros for one in first}, unit)
    nets: Counter[str] = Counter()
    for one in (*first, *second):
        nets[one.party_id] += one.net_minor
    assert all(value == 0 for value in nets.values())
    assert all(one.carry_micros == 0 for one in second)


def test_the_operator_keeps_the_difference_of_the_two_prices() -> None:
    # 1,000 points: the issuer pays 0.0100 and the acceptor gets 0.0095 of a euro for each
    positions = net([Flow("ptn_a", "ptn_b", 10_000_000, 9_500_000)], {}, 10_000)
    assert {one.party_id: one.net_minor for one in positions} == {"ptn_a": -1000, "ptn_b": 950, OPERATOR: 50}


def test_what_is_below_a_cent_waits_for_the_next_cycle() -> None:
    flow = Flow("ptn_a", "ptn_b", 4_000, 4_000)
    first = net([flow], {}, 10_000)
    assert first == [
        Position(OPERATOR, 0, 0, 0, 0, 0),
        Position("ptn_a", 4_000, 0, 0, 0, -4_000),
        Position("ptn_b", 0, 4_000, 0, 0, 4_000),
    ]
    second = net([flow], {one.party_id: one.carry_micros for one in first}, 10_000)
    assert {one.party_id: (one.net_minor, one.carry_micros) for one in second if one.party_id != OPERATOR} == {
        "ptn_a": (-1, 2_000),
        "ptn_b": (1, -2_000),
    }


def test_carries_out_of_balance_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        net([], {"ptn_a": 1}, 10_000)
