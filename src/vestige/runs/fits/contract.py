"""What is said of a file that a model is to be fitted to, and what a strategy for a kind of data gives back."""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.data.tables import Schema, SchemaOptions, infer, open_table
from vestige.data.tables.options import ReadOptions, words
from vestige.experiments.experiment import Experiment

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

Note = Callable[[str], None]


@dataclass(frozen=True)
class FitRequest:
    """What the user says of a file.

    - `source`: the file.
    - `kind`: what it is taken for; `auto`: as the file suggests.
    - `inputs`, `outcomes`, `document`, `ignored`: names of columns, with commas between them; None: as the schema
      suggests.
    - `time`, `kinds`: the column of times; name -> kind of columns.
    - `reading`: how the file is read.
    - `held_out`: the share on which the model is compared.
    - `steps`: updates at most; None: as many as the file suggests.
    - `season`: in steps; None: it is looked for.
    - `horizon`: steps ahead that forecasts are for; None: as the file suggests.
    - `seed`: of everything that is drawn.
    """

    source: Path
    kind: str = "auto"
    inputs: str | None = None
    outcomes: str | None = None
    document: str | None = None
    ignored: str | None = None
    time: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    reading: ReadOptions = field(default_factory=ReadOptions)
    held_out: float = 0.2
    steps: int | None = None
    season: int | None = None
    horizon: int | None = None
    seed: int = 0

    @cached_property
    def schema(self) -> Schema:
        """What the columns of the file mean, as far as the user says and else as it suggests; one pass over it.

        **Raises:** `UsageError` where it is no table, and for columns that are absent.
        """
        options = SchemaOptions(
            document=self.document,
            inputs=None if self.inputs is None else words(self.inputs),
            outcomes=words(self.outcomes),
            ignored=words(self.ignored),
            time=self.time,
            kinds=self.kinds,
        )
        return infer(open_table(self.source, self.reading), options)


@dataclass(frozen=True)
class FitPlan:
    """What is run.

    - `experiment`: all of it, an ordinary one.
    - `why`: sentences that say what was chosen, and why.
    """

    experiment: Experiment
    why: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """A trained model beside those who need none, on the same held-out examples.

    - `title`: of how many held-out examples of what it is, such as `3,020 held-out steps, one step ahead`.
    - `count`: how many these are.
    - `rows`: name -> plain values; `said` is who it is, in words. The first is the model.
    - `shown`: heading -> the text of a cell, made of a row: the columns of the terminal.
    - `sentence`: whether the model was worth it.
    - `kept`: further plain values for `fit.json`.
    """

    title: str
    count: int
    rows: Mapping[str, dict[str, Any]]
    shown: Mapping[str, Callable[[Mapping[str, Any]], str]]
    sentence: str
    kept: Mapping[str, Any] = field(default_factory=dict)

    def cells(self) -> list[list[str]]:
        """The texts of a table: who it is, then a cell under each heading of `shown`."""
        return [[row["said"], *(cell(row) for cell in self.shown.values())] for row in self.rows.values()]


class AbstractFitStrategy(abc.ABC):
    """How a model is fitted to one kind of data."""

    kind: ClassVar[str]
    """What files are taken for."""
    entry: ClassVar[str]
    """The experiment of its runs."""
    preset: ClassVar[str]

    @abc.abstractmethod
    def suits(self, request: FitRequest) -> bool:
        """Whether a file is of this kind where the user does not say of which.

        **Arguments:**

        - `request`: of kind `auto`.

        **Returns:** whether it is; the columns decide, or for what is no table the name and the first bytes.
        """

    @abc.abstractmethod
    def planned(self, request: FitRequest, *, note: Note) -> FitPlan:
        """Choose model, sizes and updates for a file, on its training part alone.

        The first sentence of the plan says for what the file is taken, and why.

        **Arguments:**

        - `request`: the file, and what is said of it.
        - `note`: receives what goes on.

        **Returns:** the experiment, and why it is as it is.

        **Raises:** `UsageError` where the file cannot be trained on, with what would work.
        """

    @abc.abstractmethod
    def compared(self, run: "Restored", request: FitRequest) -> Comparison:
        """The trained model beside baselines, on the held-out part.

        **Arguments:**

        - `run`: trained, with its data.
        - `request`: as in `planned`.

        **Returns:** errors of everybody, and a sentence.
        """
