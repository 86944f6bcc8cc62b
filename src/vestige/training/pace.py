"""How fast a run goes now, and how long it will still take."""

from collections import deque

RECENT_SECONDS = 30.0  # behind a rate: long enough to hold an evaluation, short enough to forget a slow start


class Pace:
    """The rate of updates of the last half minute, or of the last tenth of the updates, where these took longer: an
    evaluation that has to be compiled between two marks says little of the pace. What comes before the first update,
    compilation for the most part, does not count.
    """

    def __init__(self):
        self._marks: deque[tuple[float, int]] = deque()

    def mark(self, step: int, now: float) -> None:
        """`step` updates are done at `now`, seconds of any clock."""
        self._marks.append((now, step))
        while len(self._marks) > 2 and now - self._marks[1][0] >= RECENT_SECONDS:
            if 10 * (step - self._marks[1][1]) < step - self._marks[0][1]:
                break
            self._marks.popleft()

    @property
    def rate(self) -> float | None:
        """Updates a second; None until two marks tell."""
        if len(self._marks) < 2:
            return None
        (began, first), (now, last) = self._marks[0], self._marks[-1]
        return (last - first) / (now - began) if now > began and last > first else None

    def left(self, steps: int) -> float | None:
        """Seconds until `steps` updates are done; None where that is not known."""
        rate = self.rate
        return None if rate is None else (steps - self._marks[-1][1]) / rate


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:40 or 2:05:10; days beyond a hundred hours."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours > 100:
        return f"{hours // 24} days"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def per_second(rate: float) -> str:
    """Updates a second, or seconds an update where these are slow."""
    if rate >= 10:
        return f"{rate:,.0f}/s"
    return f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"
