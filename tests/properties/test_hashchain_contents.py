"""A digest covers what was written, whatever was written, and is the same for what the database gives back."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from kernel.database import Database
from points.hashchain import Content, canonical_facts, canonical_text, digests
from tests.support.sealed import an_earning

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=12,
)
_facts = st.dictionaries(_text, _values, max_size=5)


@given(facts=_facts)
async def test_facts_from_jsonb_give_the_same_bytes(database_url: str, facts: dict[str, object]) -> None:
    database = await Database.connect(database_url, pool_size=1)
    try:
        async with database.read() as read:
            back = await read.connection.fetchval("SELECT $1::jsonb::text", canonical_facts(facts).decode())
    finally:
        await database.close()
    assert canonical_text(back) == canonical_facts(facts)


@given(days=st.dictionaries(st.integers(0, 800_000), st.integers(), max_size=8))
def test_the_order_of_keys_that_are_numbers_does_not_matter(days: dict[int, int]) -> None:
    back = {str(day): n for day, n in reversed(days.items())}
    assert canonical_facts({"counts": days}) == canonical_facts({"counts": back})


@given(
    moment=st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)),
    offset=st.integers(-720, 840),
)
def test_a_moment_is_the_same_in_every_zone(moment: datetime, offset: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=offset)))
    assert digests([an_earning(1).at(moment).content]) == digests([an_earning(1).at(elsewhere).content])


def _order(content: Content, flip: bool) -> Content:
    rows = (list(reversed(part)) if flip else list(part) for part in content[4:])
    return Content(*content[:4], *rows)


def test_the_order_in_which_the_database_gives_rows_back_does_not_matter() -> None:
    content = an_earning(1).content
    several = content._replace(lots=[("lot_2", None), ("lot_1", None)], allocations=[("alc_2", None), ("alc_1", "x")])
    assert digests([_order(several, flip=False)]) == digests([_order(several, flip=True)])


@given(numbers=st.lists(st.integers(1, 50), min_size=2, max_size=6, unique=True), data=st.data())
def test_every_digest_depends_on_all_before_it(numbers: list[int], data: st.DataObject) -> None:
    changed = data.draw(st.integers(0, len(numbers) - 1))
    before = digests(an_earning(number).content for number in numbers)
    after = digests(
        an_earning(number, points=11 if place == changed else 10).content for place, number in enumerate(numbers)
    )
    assert before[:changed] == after[:changed]
    assert all(one != other for one, other in zip(before[changed:], after[changed:], strict=True))
