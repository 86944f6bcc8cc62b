"""What a person sees of a run, by a clock that the test turns."""

import io
import re

import pytest
from rich.console import Console

from vestige.training.pace import Pace, duration, per_second
from vestige.training.progress import Live, Logged, Plain, automatic, ending

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
        "update 1/10000 (0%)  compiled in 1:40",
        "update 1001/10000 (10%)  100/s  left 1:30",
        "update 2001/10000 (20%)  100/s  left 1:20",
        "update 10000/10000 (100%)  100/s  loss 1.000",
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


def drawn(screen: io.StringIO) -> list[str]:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue()).splitlines()


def terminal(screen: io.StringIO, width: int) -> Console:
    return Console(file=screen, width=width, force_terminal=True, legacy_windows=False)


def shown(width: int, *calls) -> list[str]:
    """The last two lines of a terminal so wide after a few calls."""
    screen = io.StringIO()
    live = Live(terminal(screen, width))
    live.start(6000, 0)
    for call in calls:
        call(live)
    live.bar.refresh()
    lines = drawn(screen)[-2:]
    live.stop()
    return lines


@pytest.mark.parametrize("width", [40, 80, 120])
def test_bar_count_and_time_fit_into_any_terminal(clock, width):
    def later(live):
        clock[0] = 30.0
        live.update(3000, METRICS)

    above, line = shown(width, lambda live: live.update(1, METRICS), later)
    assert len(line) <= width and len(above) <= width
    assert "━━━" in line
    for part in ("3000/6000", "100/s", "left 0:30"):
        assert part in line
    assert above.startswith("training  train negative_bound 25.000") and "…" not in above
    assert re.search(r" \d+\.\d{3}$", above)  # the last metric is whole
    assert ("kl_last 1.700" in above) == (width > 40)


@pytest.mark.parametrize("width", [40, 80])
def test_what_is_being_done_is_named_and_rate_and_time_stay(clock, width):
    assert "compiling for 0:00" in shown(width)[-1]

    def later(live):
        clock[0] = 10.0
        live.update(1001, {"loss": 1.0})
        live.phase("evaluating")

    above, line = shown(width, lambda live: live.update(1, {}), later)
    assert above == "evaluating  loss 1.000"
    assert "100/s left 0:50" in line


def test_a_phase_before_or_after_the_updates_has_a_bar_of_its_own(clock):
    screen = io.StringIO()
    live = Live(terminal(screen, 60))
    live.phase("loading")
    clock[0] = 3.0
    live.bar.refresh()
    assert "loading for 0:03" in drawn(screen)[-1]
    live.start(2, 0)
    live.update(2, {})
    live.stop()
    live.phase("evaluating", done=0, total=3)
    live.phase("evaluating", done=2, total=3)
    live.bar.refresh()
    assert re.search(r"━ +2/3 evaluating for 0:00", drawn(screen)[-1])
    live.stop()
    live.stop()


def test_plain_lines_name_each_phase_once(clock):
    stream = io.StringIO()
    plain = Plain(stream=stream)
    plain.phase("loading")
    plain.start(2, 0)
    plain.phase("evaluating")
    plain.update(2, {})
    plain.stop()
    plain.phase("evaluating", done=0, total=2)
    plain.phase("evaluating", done=1, total=2)
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["loading", "update", "evaluating"]


def test_the_display_suits_the_stream(monkeypatch):
    assert isinstance(automatic(io.StringIO()), Plain)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # what rich takes for a terminal
    assert isinstance(automatic(io.StringIO()), Live)


@pytest.mark.parametrize("widgets", [True, False])
def test_a_notebook_has_a_live_display_where_it_can_draw_one(monkeypatch, widgets):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if widgets else None)
    assert isinstance(automatic(), Live if widgets else Plain)


def test_a_library_prints_nothing_and_logs_its_notes(capsys, caplog):
    logged = Logged()
    with caplog.at_level("INFO", logger="vestige"), ending(logged):
        logged.phase("loading")
        logged.start(2, 0)
        logged.note("continuing from update 1")
        logged.update(2, {})
    assert caplog.messages == ["continuing from update 1"]
    assert capsys.readouterr() == ("", "")
