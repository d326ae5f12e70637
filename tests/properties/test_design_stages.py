"""Stages of a release: a larger share only adds passes, and every share is about as large as it says."""

from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import new_id
from passes.design.stages import BRAND, WHOLE, Stage, covers, design_of, without_repeats

_PASSES = [new_id("pas") for _ in range(4000)]
_designs = st.sampled_from(["dsn_a", "dsn_b", "dsn_c", BRAND])
_stages = st.lists(st.builds(Stage, _designs, st.integers(1, WHOLE)), max_size=8)


@given(st.text(min_size=1, max_size=40), st.text(max_size=40), st.integers(1, WHOLE - 1))
def test_a_larger_share_keeps_every_pass_of_the_smaller(design_id: str, pass_id: str, share: int) -> None:
    if covers(Stage(design_id, share), pass_id):
        assert covers(Stage(design_id, share + 1), pass_id)
    assert covers(Stage(design_id, WHOLE), pass_id)


@given(_stages, st.sampled_from(_PASSES))
def test_stages_that_add_nothing_may_be_left_out(stages: list[Stage], pass_id: str) -> None:
    assert design_of(without_repeats(stages), pass_id) == design_of(stages, pass_id)


@given(_stages, st.sampled_from(_PASSES), _designs)
def test_a_release_to_all_is_what_all_passes_show(stages: list[Stage], pass_id: str, design_id: str) -> None:
    assert design_of([Stage(design_id, WHOLE), *stages], pass_id) == design_id


@given(_stages, st.sampled_from(_PASSES))
def test_raising_the_newest_share_moves_passes_only_to_its_design(stages: list[Stage], pass_id: str) -> None:
    before = design_of([Stage("dsn_new", 20), *stages], pass_id)
    after = design_of([Stage("dsn_new", 45), Stage("dsn_new", 20), *stages], pass_id)
    assert after in (before, "dsn_new")


def test_shares_are_as_large_as_they_say_and_different_for_each_design() -> None:
    def covered(design_id: str, share: int) -> set[str]:
        return {one for one in _PASSES if covers(Stage(design_id, share), one)}

    for share in (1, 10, 50, 90):
        expected = len(_PASSES) * share / WHOLE
        # Five standard deviations of a binomial.
        spread = 5 * (expected * (1 - share / WHOLE)) ** 0.5
        assert abs(len(covered("dsn_a", share)) - expected) < spread
    both = covered("dsn_a", 50) & covered("dsn_b", 50)
    assert abs(len(both) - len(_PASSES) / 4) < 5 * (len(_PASSES) * 3 / 16) ** 0.5
