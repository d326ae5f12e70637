"""When a tap is taken at all, and when it proves that the phone is here now."""

from datetime import UTC, datetime, timedelta

import pytest

from passes.apple.tap import TapRefused
from passes.apple.taps import Reading, judged

NOW = datetime(2026, 5, 9, 6, 13, 20, tzinfo=UTC)
DAY = 24 * 3600


def _reading(read_s: int, offline: bool) -> Reading:
    return Reading(
        partner_id="ptn_1", terminal_id="ter_1", terminal_key="", sequence=1, blob=b"",
        read_at=NOW + timedelta(seconds=read_s), offline=offline,
    )  # fmt: skip


# Seconds from now: of the phone's clock, of the terminal's; None: refused.
@pytest.mark.parametrize(
    ("phone_s", "read_s", "offline", "reasons"),
    [
        (0, 0, False, ()),
        (-60, -60, False, ()),
        (60, 60, False, ()),
        (-61, 0, False, ("clocks_differ",)),
        (61, 0, False, ("clocks_differ",)),
        (0, -61, False, ("delivered_late",)),
        (0, 61, False, ("delivered_late",)),
        (0, -30 * DAY, False, ("delivered_late",)),  # a terminal that lost its clock
        (-600, -600, False, ("delivered_late", "clocks_differ")),
        (-601, -601, False, None),
        (120, 0, False, ("clocks_differ",)),
        (121, 0, False, None),
        (-601, 0, False, None),
        (0, 0, True, ("offline",)),
        (-601, -601, True, ("offline",)),
        (-7 * DAY, -7 * DAY, True, ("offline",)),
        (-7 * DAY - 600, -7 * DAY, True, ("offline",)),  # the phone's clock was behind the terminal's
        (-7 * DAY - 601, -7 * DAY, True, None),
        (-7 * DAY, -7 * DAY - 1, True, None),
        (-3 * DAY + 120, -3 * DAY, True, ("offline",)),
        (-3 * DAY + 121, -3 * DAY, True, None),  # the phone's clock was ahead
        (-4 * DAY, -3 * DAY, True, None),  # made a day before it was read
        (120, 120, True, ("offline",)),
        (121, 120, True, None),
        (0, 121, True, None),
    ],
)
def test_the_clocks_decide_what_a_tap_is_worth(
    phone_s: int, read_s: int, offline: bool, reasons: tuple[str, ...] | None
) -> None:
    at, reading = NOW + timedelta(seconds=phone_s), _reading(read_s, offline)
    if reasons is None:
        with pytest.raises(TapRefused):
            judged(at, reading, NOW)
    else:
        assert judged(at, reading, NOW) == reasons
