"""Five kinds of error that callers can act on."""

import pytest

from kernel.errors import CommonpointError, Conflict, Forbidden, Invalid, NotFound, Unavailable

KINDS: list[type[CommonpointError]] = [NotFound, Conflict, Forbidden, Invalid, Unavailable]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_code_a_title_and_facts(kind: type[CommonpointError]) -> None:
    error = kind("The café is closed.", until="noon")
    assert error.code.replace("_", "").isalpha()
    assert error.title
    assert (error.detail, str(error), error.facts) == ("The café is closed.",) * 2 + ({"until": "noon"},)


def test_the_kinds_are_apart() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    assert not any(issubclass(a, b) for a in KINDS for b in KINDS if a is not b)


def test_without_a_detail_the_title_speaks() -> None:
    assert str(NotFound()) == NotFound().detail == NotFound.title


def test_what_is_away_may_say_when_to_come_back() -> None:
    assert Unavailable("Busy.", retry_after_s=1.5).retry_after_s == 1.5
    assert Unavailable("Busy.").retry_after_s is None
