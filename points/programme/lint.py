"""Advice on a programme that is valid but perhaps unwise. Nothing here keeps a programme from being published."""

from collections.abc import Callable, Iterator

from points.programme.lints import rates, reach, stacking, upkeep
from points.programme.lints.advice import Advice
from points.programme.schema.programme import Programme

__all__ = ["Advice", "lint"]

_LINTS: tuple[Callable[[Programme], Iterator[Advice]], ...] = (
    rates.reward_rates,
    rates.arbitrage,
    reach.unreachable_rewards,
    reach.unreachable_tiers,
    reach.never_had,
    stacking.unclear_stacking,
    stacking.shadowed_rules,
    stacking.open_ended,
    upkeep.goal,
    upkeep.languages,
    upkeep.notices,
    upkeep.proofs,
    upkeep.sensitive,
)


def lint(programme: Programme) -> list[Advice]:
    """All advice, the weightiest subjects first. The programme must be free of faults."""
    return [advice for one in _LINTS for advice in one(programme)]
