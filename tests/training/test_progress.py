"""What a person sees of a run, by a clock that the test turns."""

import io
import re

import pytest
from rich.console import Console

from vestige.training.pace import Pace, duration, per_second
from vestige.training.progress import Live, Plain

METRICS = {"train negative_bound": 25.0, "kl_fresh": 2.1, "kl_last": 1.7, "kl_recall": 1.7, "negative_bound": 24.0}


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_compilation_is_no_part_of_the_rate(clock):
    """A hundred seconds of compilation, then a hundred updates a second."""
    stream = io.StringIO()
    plain = Plain(stream=stream)
    plain.start(10_000, 0)
    for clock[0], step in ((100.0, 1), (110.0, 1001), (120.0, 2001)):
        plain.update(step, {})
    clock[0] = 200.0
    plain.update(10_000, {"loss": 1.0})
    assert stream.getvalue().splitlines() == [
        "update 1/10000  compiled in 1:40",
        "update 1001/10000  100/s  left 1:30",
        "update 2001/10000  100/s  left 1:20",
        "update 10000/10000  100/s  loss 1.000",
    ]


def test_a_rate_forgets_what_lies_half_a_minute_behind():
    pace = Pace()
    for now, step in ((0.0, 0), (10.0, 10), (20.0, 20), (60.0, 820), (61.0, 840)):
        pace.mark(step, now)
    assert pace.rate == pytest.approx(20.0)
    assert pace.left(1000) == pytest.approx(8.0)


def test_one_long_evaluation_is_not_taken_for_the_pace():
    pace = Pace()
    for now, step in ((0.0, 1), (4.0, 179), (38.0, 180)):
        pace.mark(step, now)
    assert pace.rate == 179 / 38 and pace.left(360) == pytest.approx(180 * 38 / 179)
    pace.mark(360, 42.0)
    assert pace.rate == 181 / 38  # the window has moved on, and the evaluation lies in it


def test_no_rate_is_made_up():
    pace = Pace()
    assert (pace.rate, pace.left(5)) == (None, None)
    pace.mark(1, 3.0)
    assert pace.rate is None
    pace.mark(1, 4.0)  # an update that was left out: nothing is known of the pace
    assert pace.rate is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3661.0, "1:01:01"), (2_885_512.0, "33 days")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("rate", "text"), [(1482.3, "1,482/s"), (3.21, "3.2/s"), (0.25, "4.0 s each")])
def test_slow_updates_are_told_by_their_length(rate, text):
    assert per_second(rate) == text


def shown(width: int, *calls) -> str:
    """The last line of a terminal so wide after a few calls."""
    screen = io.StringIO()
    live = Live(Console(file=screen, width=width, force_terminal=True, legacy_windows=False))
    live.start(6000, 0)
    for call in calls:
        call(live)
    live.bar.refresh()
    live.stop()
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue()).splitlines()[-1]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_bar_count_and_time_fit_into_any_terminal(clock, width):
    def later(live):
        clock[0] = 30.0
        live.update(3000, METRICS)

    line = shown(width, lambda live: live.update(1, METRICS), later)
    assert len(line) <= width
    assert "━━━" in line
    for part in ("3000/6000", "100/s", "left 0:30"):
        assert part in line
    assert ("negative_bound" in line) == (width >= 80)


def test_what_is_being_done_is_named():
    assert "compiling for 0:00" in shown(60)
    assert "evaluating" in shown(60, lambda live: live.update(1, {}), lambda live: live.phase("evaluating"))
