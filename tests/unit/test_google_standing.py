"""When calls are stopped, and when one may try."""

from passes.google.push_state import Standing
from passes.google.push_verdict import WalletForbidden, WalletUnavailable


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def stopped_standing() -> tuple[Standing, Clock]:
    clock = Clock()
    standing = Standing("338", clock=clock)
    standing.halt(WalletForbidden("Permission denied."))
    return standing, clock


def test_trials_come_ever_less_often_and_one_at_a_time() -> None:
    standing, clock = stopped_standing()
    waited = []
    for _ in range(7):
        start = clock.now
        while standing.stopped() is not None:
            clock.now += 1
        assert standing.stopped() is not None  # the others wait for how the trial ends
        waited.append(clock.now - start)
        standing.halt(WalletForbidden("Permission denied."))
    assert waited == [60, 120, 240, 480, 900, 900, 900]


def test_a_trial_that_never_ends_does_not_block_the_next_one() -> None:
    standing, clock = stopped_standing()
    clock.now += 60
    assert standing.stopped() is None
    assert standing.stopped() is not None
    clock.now += 30
    assert standing.stopped() is None


def test_nobody_is_sent_back_before_the_trial() -> None:
    standing, _ = stopped_standing()
    for _ in range(100):
        error = standing.stopped()
        assert error is not None
        assert error.retry_after_s is not None
        assert 60 <= error.retry_after_s <= 66


def test_one_accepted_call_clears_the_way_and_forgets_the_trials() -> None:
    standing, clock = stopped_standing()
    standing.try_now()
    assert standing.stopped() is None
    standing.resume()
    assert (standing.named, standing.resumed, standing.stopped()) == ("open", 1, None)
    standing.halt(WalletForbidden("again"))
    clock.now += 60
    assert standing.stopped() is None


def test_a_google_that_does_not_answer_changes_nothing_about_a_stop() -> None:
    standing, _ = stopped_standing()
    since = standing.since
    standing.hold_up(WalletUnavailable("503"))
    assert standing.named == "stopped"
    assert standing.shown(18.0).reason == "Permission denied."
    assert standing.since == since


def test_what_is_shown_counts_what_was_accepted_and_what_was_not() -> None:
    standing = Standing("338")
    standing.resume()
    standing.hold_up(WalletUnavailable("503"))
    shown = standing.shown(9.0)
    assert (shown.standing, shown.reason, shown.sent, shown.refused, shown.open) == ("waiting", "503", 1, 1, False)
    assert standing.stopped() is None
