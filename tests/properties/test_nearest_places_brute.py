"""The nearest ten places are the nearest ten: against a walk over all of them, on the whole globe."""

from math import acos, asin, atan2, cos, degrees, radians, sin, sqrt

from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.clock import MovableClock
from kernel.database import Connection, Database
from network.nearest import nearest
from network.partners import Brand, add_partner
from tests.support.cards import START

_anywhere = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
# Around one place, over the seam of the longitudes, at the poles, on one parallel, and exactly opposite.
_near = st.tuples(st.floats(60.1, 60.3), st.floats(24.8, 25.1))
_seam = st.tuples(st.floats(-2, 2), st.sampled_from([-180.0, 180.0, -179.999, 179.999, -179.0, 179.5]))
_poles = st.tuples(st.sampled_from([-90.0, 90.0, 89.9999, 89.99, -89.999]), st.floats(-180, 180))
_parallel = st.tuples(st.just(45.0), st.floats(-180, 180))
_opposite = st.sampled_from([(60.2, 24.9), (-60.2, -155.1), (0.0, 0.0), (0.0, 180.0)])
# As they are stored: to a centimetre.
_spots = st.one_of(_anywhere, _near, _seam, _poles, _parallel, _opposite).map(
    lambda spot: (round(spot[0], 7), round(spot[1], 7))
)
_maps = st.lists(_spots, min_size=1, max_size=60)


def angle(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Radians between two places, by the vectors to them: another formula than the product's."""

    def vector(where: tuple[float, float]) -> tuple[float, float, float]:
        latitude, longitude = radians(where[0]), radians(where[1])
        return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)

    a, b = vector(one), vector(other)
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return atan2(sqrt(sum(n * n for n in cross)), sum(n * m for n, m in zip(a, b, strict=True)))


async def lay(connection: Connection, partner_id: str, spots: list[tuple[float, float]]) -> None:
    await connection.execute(
        "INSERT INTO location (id, partner_id, name, zone, latitude, longitude, created_at)"
        " SELECT 'loc_' || lpad(n::text, 4, '0'), $1, 'x', 'UTC', latitude, longitude, now()"
        " FROM unnest($2::float8[], $3::float8[]) WITH ORDINALITY AS spot (latitude, longitude, n)",
        partner_id,
        [latitude for latitude, _ in spots],
        [longitude for _, longitude in spots],
    )


class RolledBack(Exception):
    """Ends an example without a trace."""


@settings(max_examples=150)
@given(spots=_maps, closed=st.lists(_spots, max_size=25), most=st.integers(1, 10))
async def test_no_place_that_is_left_out_is_nearer(
    db: Database, spots: list[tuple[float, float]], closed: list[tuple[float, float]], most: int
) -> None:
    try:
        async with db.unit() as unit:
            partner = (await add_partner(unit, MovableClock(START), "A", Brand("A"))).id
            shut = (await add_partner(unit, MovableClock(START), "B", Brand("B"))).id
            await lay(unit.connection, partner, spots)
            await unit.connection.execute(
                "INSERT INTO location (id, partner_id, name, zone, latitude, longitude, created_at)"
                " SELECT 'shut_' || n, $1, 'x', 'UTC', latitude, longitude, now()"
                " FROM unnest($2::float8[], $3::float8[]) WITH ORDINALITY AS spot (latitude, longitude, n)",
                shut,
                [latitude for latitude, _ in closed],
                [longitude for _, longitude in closed],
            )
            await unit.connection.execute("UPDATE partner SET status = 'suspended' WHERE id = $1", shut)
            ids = [f"loc_{number:04}" for number in range(1, len(spots) + 1)]
            found = await nearest(unit.connection, ids, most)
            raise RolledBack
    except RolledBack:
        pass
    for origin_id, origin in zip(ids, spots, strict=True):
        by_distance = sorted(angle(origin, spot) for spot in spots)[:most]
        shown = [angle(origin, (spot.latitude or 0.0, spot.longitude or 0.0)) for spot in found[origin_id]]
        assert len(shown) == len(by_distance)
        assert len({spot.id for spot in found[origin_id]}) == len(shown)
        # A tenth of a metre on the ground; exactly opposite places are the coarsest case.
        assert all(abs(a - b) < 2e-8 for a, b in zip(shown, by_distance, strict=True))


@given(_spots, _spots)
def test_both_formulas_measure_the_same(one: tuple[float, float], other: tuple[float, float]) -> None:
    haversine = (
        sin(radians(one[0] - other[0]) / 2) ** 2
        + cos(radians(one[0])) * cos(radians(other[0])) * sin(radians(one[1] - other[1]) / 2) ** 2
    )
    assert abs(2 * asin(sqrt(min(1.0, haversine))) - angle(one, other)) < 2e-8


def test_the_yardstick_is_right() -> None:
    assert abs(degrees(angle((0, 179.5), (0, -179.5))) - 1) < 1e-9
    assert abs(degrees(angle((90, 10), (90, -170)))) < 1e-9
    assert abs(degrees(angle((60, 0), (60, 180))) - 60) < 1e-9
    assert abs(degrees(angle((60.2, 24.9), (-60.2, -155.1))) - 180) < 1e-5
    assert abs(acos(-1) - angle((0, 0), (0, 180))) < 1e-9
