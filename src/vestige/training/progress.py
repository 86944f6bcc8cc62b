"""What a person sees while a run goes on."""

import abc
import sys
import time
from typing import TextIO

from vestige.typing import Metrics


class AbstractProgress(abc.ABC):
    """Follows one run. Between `start` and `stop` it receives every chunk of updates."""

    @abc.abstractmethod
    def start(self, steps: int, done: int) -> None:
        """A run of `steps` updates, `done` of which lie behind it."""

    @abc.abstractmethod
    def update(self, step: int, metrics: Metrics) -> None:
        """`step` updates are done; `metrics` are the newest known."""

    @abc.abstractmethod
    def note(self, text: str) -> None:
        """One sentence, `text`, worth keeping on the screen."""

    @abc.abstractmethod
    def stop(self) -> None:
        """The run ended, one way or another."""


class Silent(AbstractProgress):
    """Says nothing."""

    def start(self, steps: int, done: int) -> None:
        pass

    def update(self, step: int, metrics: Metrics) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def stop(self) -> None:
        pass


def _summary(metrics: Metrics) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Plain(AbstractProgress):
    """One line every `every` seconds: for logs, pipes and CI.

    **Arguments:**

    - `every`: seconds.
    - `stream`: where lines go; by default to standard output.
    """

    def __init__(self, *, every: float = 10.0, stream: TextIO | None = None):
        self.every = every
        self.stream = sys.stdout if stream is None else stream

    def start(self, steps: int, done: int) -> None:
        self.steps, self.first = steps, done
        self.began = self.last = time.monotonic()

    def update(self, step: int, metrics: Metrics) -> None:
        now = time.monotonic()
        if step < self.steps and now - self.last < self.every:
            return
        self.last = now
        rate = (step - self.first) / max(now - self.began, 1e-9)
        left = _duration((self.steps - step) / rate) if rate else "?"
        self.note(f"update {step}/{self.steps}  {rate:.0f}/s  left {left}  {_summary(metrics)}")

    def note(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def stop(self) -> None:
        pass


class Live(AbstractProgress):
    """A bar with rate, remaining time and the newest metrics, for a terminal."""

    def start(self, steps: int, done: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.bar = Progress(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[summary]}"),
        )
        self.first, self.began = done, time.monotonic()
        self.task = self.bar.add_task("", total=steps, completed=done, rate="compiling", summary="")
        self.bar.start()

    def update(self, step: int, metrics: Metrics) -> None:
        rate = (step - self.first) / max(time.monotonic() - self.began, 1e-9)
        self.bar.update(self.task, completed=step, rate=f"{rate:.0f}/s", summary=_summary(metrics))

    def note(self, text: str) -> None:
        self.bar.console.print(text, markup=False, highlight=False)

    def stop(self) -> None:
        self.bar.stop()
