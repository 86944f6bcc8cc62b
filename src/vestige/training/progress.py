"""What a person sees while a run goes on."""

import abc
import contextlib
import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOBase
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from vestige.training.pace import Pace, duration, per_second
from vestige.typing import Metrics

LOGGER = logging.getLogger("vestige")
LOGGER.addHandler(logging.NullHandler())  # a library prints nothing by itself: who wants its notes adds a handler


class AbstractProgress(abc.ABC):
    """Follows one run. Between `start` and `stop` it receives every chunk of updates; phases may come before and after.

    The order of calls: `phase("loading")`; `start`, then `update` and `phase` in turn, `stop`; `phase("evaluating")`,
    `stop`. `note` may come at any time, and `stop` more than once.
    """

    @abc.abstractmethod
    def start(self, steps: int, done: int) -> None:
        """A run of `steps` updates, `done` of which lie behind it."""

    @abc.abstractmethod
    def update(self, step: int, metrics: Metrics) -> None:
        """`step` updates are done; `metrics` are the newest known."""

    @abc.abstractmethod
    def phase(self, name: str, *, done: int = 0, total: int | None = None) -> None:
        """What is done until the next call of `phase`, `update` or `stop`.

        **Arguments:**

        - `name`: one word: "loading", "compiling", "evaluating", "writing".
        - `done`, `total`: how many of its parts are done; None where they are not counted.
        """

    @abc.abstractmethod
    def note(self, text: str) -> None:
        """One sentence, `text`, worth keeping on the screen."""

    @abc.abstractmethod
    def stop(self) -> None:
        """What was going on ended, one way or another."""


class Silent(AbstractProgress):
    """Says nothing."""

    def start(self, steps: int, done: int) -> None:
        pass

    def update(self, step: int, metrics: Metrics) -> None:
        pass

    def phase(self, name: str, *, done: int = 0, total: int | None = None) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def stop(self) -> None:
        pass


class Logged(AbstractProgress):
    """Notes to `logging.getLogger("vestige")` at level INFO, phases at level DEBUG; prints nothing.

    What `fit` uses where no other is given: `logging.basicConfig(level="INFO")` shows the notes.
    """

    def start(self, steps: int, done: int) -> None:
        LOGGER.debug("training: update %d of %d", done, steps)

    def update(self, step: int, metrics: Metrics) -> None:
        pass

    def phase(self, name: str, *, done: int = 0, total: int | None = None) -> None:
        LOGGER.debug("%s", name if total is None else f"{name}: {done} of {total}")

    def note(self, text: str) -> None:
        LOGGER.info("%s", text)

    def stop(self) -> None:
        pass


@contextlib.contextmanager
def ending(progress: AbstractProgress) -> Iterator[None]:
    """Within the block `progress` is shown; it is stopped at the end, also after an error."""
    try:
        yield
    finally:
        progress.stop()


def _summary(metrics: Metrics) -> str:
    return "  ".join(_parts(metrics))


def _parts(metrics: Metrics) -> list[str]:
    return [f"{name} {value:.3f}" for name, value in metrics.items()]


class Plain(AbstractProgress):
    """One line every `every` seconds: for logs, pipes and CI.

    Rate and remaining time follow the last half minute; compilation is reported by itself and is no part of them.
    Before and after the updates each phase has a line when it begins.

    **Arguments:**

    - `every`: seconds.
    - `stream`: where lines go; by default to standard output.
    """

    def __init__(self, *, every: float = 10.0, stream: TextIO | TextIOBase | None = None):
        self.every = every
        self.stream = sys.stdout if stream is None else stream
        self.training, self.named = False, ""

    def start(self, steps: int, done: int) -> None:
        self.steps, self.training = steps, True
        self.began = self.last = time.monotonic()
        self.pace, self.compiled = Pace(), False

    def update(self, step: int, metrics: Metrics) -> None:
        now = time.monotonic()
        self.pace.mark(step, now)
        if step < self.steps and now - self.last < self.every:
            return
        self.last = now
        share = f"{step / self.steps:.0%}" if self.steps else "100%"
        said = f"update {step}/{self.steps} ({share})  {self._tempo(step, now)}  {_summary(metrics)}"
        self.note(said.rstrip())

    def _tempo(self, step: int, now: float) -> str:
        rate, left = self.pace.rate, self.pace.left(self.steps)
        if rate is None or left is None:
            return f"compiled in {duration(now - self.began)}"
        return per_second(rate) if step >= self.steps else f"{per_second(rate)}  left {duration(left)}"

    def phase(self, name: str, *, done: int = 0, total: int | None = None) -> None:
        if not self.training and name != self.named:
            self.note(f"{name} …")
        self.named = name

    def note(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def stop(self) -> None:
        self.training, self.named = False, ""


class Count(ProgressColumn):
    """How many are done, of how many; nothing where they are not counted."""

    def render(self, task: Task) -> Text:
        return Text("" if task.total is None else f"{task.completed:.0f}/{task.total:.0f}")


class Remaining(ProgressColumn):
    """How long the task will still take; as long as that is not known, for how long it has been going on."""

    def render(self, task: Task) -> Text:
        left = task.fields["left"]
        return Text(f"for {duration(task.elapsed or 0.0)}" if left is None else f"left {duration(left)}")


class _Display(Progress):
    """A line that names the phase, with the newest metrics as far as they fit, above the bar."""

    said: str = ""
    """The phase; empty: no line."""
    parts: Sequence[str] = ()
    """The metrics; those that do not fit are left out."""

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.said:
            line = self.said
            for part in self.parts:
                if len(line) + len(part) + 2 <= self.console.width:
                    line += f"  {part}"
            yield Text(line, no_wrap=True, overflow="crop")
        yield self.make_tasks_table(self.tasks)


class Live(AbstractProgress):
    """A display that is drawn anew all the time, for a terminal of 40 columns or more, or a notebook.

    A line with the phase (compiling, training, evaluating, writing) and the newest metrics; below it the bar, the
    count, the rate and the remaining time. Before and after the updates a bar with the phase and its time.

    **Arguments:**

    - `console`: of rich; by default the terminal.
    """

    def __init__(self, console: Console | None = None):
        self.console = Console() if console is None else console
        self.bar: _Display | None = None
        self.training = False

    def _show(self, **task: Any) -> None:
        """Begin a display of one task."""
        whole = Column(no_wrap=True)
        self.bar = _Display(
            BarColumn(None, table_column=Column(ratio=1, min_width=4)),
            Count(table_column=whole),
            TextColumn("{task.fields[tempo]}", table_column=whole),
            Remaining(table_column=whole),
            expand=True,
            console=self.console,
            get_time=lambda: time.monotonic(),
        )
        self.task = self.bar.add_task("", left=None, **task)

    def start(self, steps: int, done: int) -> None:
        self.stop()
        self.steps, self.pace, self.training = steps, Pace(), True
        self._show(total=steps, completed=done, tempo="compiling")
        assert self.bar is not None
        self.bar.start()

    def update(self, step: int, metrics: Metrics) -> None:
        if self.bar is None:
            return
        self.pace.mark(step, time.monotonic())
        rate = self.pace.rate
        tempo = "compiled" if rate is None else per_second(rate)
        self.bar.said, self.bar.parts = "training", _parts(metrics)
        self.bar.update(self.task, completed=step, tempo=tempo, left=self.pace.left(self.steps))

    def phase(self, name: str, *, done: int = 0, total: int | None = None) -> None:
        if self.training and self.bar is not None:
            self.bar.said = name
            self.bar.refresh()
            return
        if self.bar is None or self.bar.tasks[0].fields["tempo"] != name:
            self.stop()
            self._show(total=total, completed=done, tempo=name)
            assert self.bar is not None
            self.bar.live.transient = True
            self.bar.start()
        self.bar.update(self.task, completed=done, total=total)

    def note(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=not self.console.is_terminal)

    def stop(self) -> None:
        if self.bar is not None:
            if self.training:
                self.bar.said = self.bar.said and "trained"
            self.bar.stop()
        self.bar, self.training = None, False


def automatic(stream: TextIO | None = None) -> AbstractProgress:
    """The display that suits: `Live` on a terminal, and in a notebook that has `ipywidgets`; else `Plain`.

    **Arguments:**

    - `stream`: where it goes; by default to standard output.
    """
    console = Console(file=stream)
    if console.is_jupyter:
        import importlib.util

        return Live(console) if importlib.util.find_spec("ipywidgets") else Plain(stream=stream)
    return Live(console) if console.is_terminal else Plain(stream=stream)
