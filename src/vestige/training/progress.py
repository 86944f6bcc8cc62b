"""What a person sees while a run goes on."""

import abc
import sys
import time
from io import TextIOBase
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from vestige.training.pace import Pace, duration, per_second
from vestige.typing import Metrics

NARROW, WIDE = 70, 100  # columns of a terminal: below the one no metrics beside the bar, from the other a longer bar


class AbstractProgress(abc.ABC):
    """Follows one run. Between `start` and `stop` it receives every chunk of updates."""

    @abc.abstractmethod
    def start(self, steps: int, done: int) -> None:
        """A run of `steps` updates, `done` of which lie behind it."""

    @abc.abstractmethod
    def update(self, step: int, metrics: Metrics) -> None:
        """`step` updates are done; `metrics` are the newest known."""

    @abc.abstractmethod
    def phase(self, name: str) -> None:
        """`name` is what is done until the next `update`, in one word: "compiling", "evaluating", "writing"."""

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

    def phase(self, name: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def stop(self) -> None:
        pass


def _summary(metrics: Metrics) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())


class Plain(AbstractProgress):
    """One line every `every` seconds: for logs, pipes and CI.

    Rate and remaining time follow the last half minute; compilation is reported by itself and is no part of them.

    **Arguments:**

    - `every`: seconds.
    - `stream`: where lines go; by default to standard output.
    """

    def __init__(self, *, every: float = 10.0, stream: TextIO | TextIOBase | None = None):
        self.every = every
        self.stream = sys.stdout if stream is None else stream

    def start(self, steps: int, done: int) -> None:
        self.steps = steps
        self.began = self.last = time.monotonic()
        self.pace, self.compiled = Pace(), False

    def update(self, step: int, metrics: Metrics) -> None:
        now = time.monotonic()
        self.pace.mark(step, now)
        if step < self.steps and now - self.last < self.every:
            return
        self.last = now
        self.note(f"update {step}/{self.steps}  {self._tempo(step, now)}  {_summary(metrics)}".rstrip())

    def _tempo(self, step: int, now: float) -> str:
        rate, left = self.pace.rate, self.pace.left(self.steps)
        if rate is None or left is None:
            return f"compiled in {duration(now - self.began)}"
        return per_second(rate) if step >= self.steps else f"{per_second(rate)}  left {duration(left)}"

    def phase(self, name: str) -> None:
        pass

    def note(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def stop(self) -> None:
        pass


class Remaining(ProgressColumn):
    """How long the task will still take; as long as that is not known, for how long it has been going on."""

    def render(self, task: Task) -> Text:
        left = task.fields["left"]
        return Text(f"for {duration(task.elapsed or 0.0)}" if left is None else f"left {duration(left)}")


class Live(AbstractProgress):
    """A bar, the count, the rate or what else is being done, the remaining time, and the newest metrics as far as they
    fit, for a terminal of 40 columns or more.

    **Arguments:**

    - `console`: of rich; by default the terminal.
    """

    def __init__(self, console: Console | None = None):
        self.console = console

    def start(self, steps: int, done: int) -> None:
        whole = Column(no_wrap=True)
        columns = (
            BarColumn(None, table_column=Column(ratio=1, min_width=4)),
            TextColumn("{task.completed:.0f}/{task.total:.0f}", table_column=whole),
            TextColumn("{task.fields[tempo]}", table_column=whole),
            Remaining(table_column=whole),
        )
        self.bar = (
            Progress(*columns, expand=True)
            if self.console is None
            else Progress(*columns, expand=True, console=self.console)
        )
        width = self.bar.console.width
        if width >= NARROW:
            summary = Column(ratio=3 if width < WIDE else 4, no_wrap=True, overflow="ellipsis")
            self.bar.columns += (TextColumn("{task.fields[summary]}", markup=False, table_column=summary),)
        self.steps, self.pace = steps, Pace()
        self.task = self.bar.add_task("", total=steps, completed=done, tempo="compiling", left=None, summary="")
        self.bar.start()

    def update(self, step: int, metrics: Metrics) -> None:
        self.pace.mark(step, time.monotonic())
        rate = self.pace.rate
        tempo = "compiled" if rate is None else per_second(rate)
        left = self.pace.left(self.steps)
        self.bar.update(self.task, completed=step, tempo=tempo, left=left, summary=_summary(metrics))

    def phase(self, name: str) -> None:
        self.bar.update(self.task, tempo=name)

    def note(self, text: str) -> None:
        self.bar.console.print(text, markup=False, highlight=False)

    def stop(self) -> None:
        self.bar.stop()
