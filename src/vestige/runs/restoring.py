"""A run as it lies on the disk, made into objects again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Components, Experiment
from vestige.experiments.protocols import HoldsOutTheEnd, ServesWithoutData
from vestige.runs.completing import LAG, PARTICLES, SEED, Completed
from vestige.runs.config import recorded
from vestige.runs.data_identity import Located, locate, trained_on
from vestige.runs.evaluate import evaluate, write_evaluation
from vestige.runs.execution import check_sizes, constructed
from vestige.runs.exported import exported, is_export
from vestige.runs.folder import CHECKPOINTS, SO_FAR
from vestige.runs.forecasting import ForecastOptions, Forecasts
from vestige.runs.predicting import check_predicts, predictor_of, step_predictor_of
from vestige.runs.scoring import ALARMS, ScoredSteps, check_alarms, scored
from vestige.storage.durable import DamagedFile
from vestige.storage.fitted import read_fitted
from vestige.storage.results import RESULTS, read_results
from vestige.tasks.completions import AbstractCompletions, CompletesTables
from vestige.tasks.predictions import INTERVAL, AbstractPredictions, AbstractSurprises
from vestige.training import Checkpoints
from vestige.training.state import start


class Restored(NamedTuple):
    """What a run had come to."""

    entry: Entry
    experiment: Experiment
    components: Components
    model: Any
    step: int
    notices: list[str]
    """A sentence for each thing to know: other data, damaged checkpoints passed over, results of a later update."""
    folder: Path
    without_data: bool = False
    """Whether its data were left unread."""

    def predict(
        self, source: Any, *, interval: float = INTERVAL, options: ReadOptions | None = None
    ) -> AbstractPredictions[Any]:
        """Predict every row of a table, as `vestige predict` does; of recordings, before it is seen.

        Compiles one program; then time in proportion to the steps, memory to a chunk of 1,024.

        **Arguments:**

        - `source`: what `vestige.data.open` reads: a path, a frame, a dictionary of arrays, an array.
        - `interval`: the share of values that intervals are to cover, in (0, 1).
        - `options`: how a file is read.

        **Returns:** an iterable, of recordings over [`PredictedSteps`][vestige.tasks.stepwise.PredictedSteps], float64
        in the units of the table, whose `summary` says in the end how good they were.

        **Raises:** `UsageError` where the run cannot predict tables, for columns that are absent, and, as it is
        iterated over, for a value that does not fit, with column and row.
        """
        return predictor_of(self, load).predictions(source, options=options, interval=interval)

    def surprises(self, source: Any, *, options: ReadOptions | None = None) -> AbstractSurprises[Any]:
        """As `predict`, of a model whose predictions can be scored.

        **Arguments:**

        - `source`, `options`: as in `predict`.

        **Raises:** `UsageError`, as `predict`, and where no row of its tables is surprising by itself.
        """
        predictions = self.predict(source, options=options)
        if not isinstance(predictions, AbstractSurprises):
            raise UsageError(
                f"{self.folder}: a score is for models that predict steps; this is a run of {self.entry.name}"
            )
        return predictions

    def forecast(self, source: Any, *, horizon: int, options: ReadOptions | None = None, **wanted: Any) -> Forecasts:
        """Forecast the steps after the end of each document of a table, as `vestige forecast` does.

        Compiles two programs; then time in proportion to the rows of the table and to the steps that are drawn. Memory
        to a chunk of rows and to the paths.

        **Arguments:**

        - `source`: what `vestige.data.open` reads.
        - `horizon`: how many steps.
        - `options`: how a file is read.
        - `wanted`: further fields of [`ForecastOptions`][vestige.runs.forecasting.ForecastOptions]: `quantiles`,
          `paths`, `seed`, `origins` or `every` of a back-test, `season`.

        **Returns:** an iterable over [`Ahead`][vestige.runs.forecasting.Ahead], one for each document, float64 in the
        units of the table; its `back_test` says how good such forecasts were, its `calibrated` whether quantiles are
        calibrated on it. A back-test on the file of the training lies in the part that was held out.

        **Raises:** `UsageError`, as `predict`, for options that cannot be, and where no document is long enough for a
        back-test; `RunError` where sampled paths diverge.
        """
        task = self.experiment.task
        held_out = None
        if (
            isinstance(task, HoldsOutTheEnd)
            and isinstance(source, str | Path)
            and trained_on(self.folder, Path(source))
        ):
            held_out = task.held_out_share
        wanted_all = ForecastOptions(horizon, **wanted)
        return Forecasts(
            step_predictor_of(self, load, "a forecast"), source, wanted_all, held_out=held_out, options=options
        )

    def complete(
        self,
        source: Any,
        *,
        particles: int = PARTICLES,
        lag: int = LAG,
        seed: int = SEED,
        options: ReadOptions | None = None,
    ) -> AbstractCompletions:
        """Fill in the missing values of a table, as `vestige complete` does.

        Compiles one program; then time in proportion to rows and particles, memory to a chunk of rows, times particles.

        **Arguments:**

        - `source`: what `vestige.data.open` reads.
        - `particles`: samples of what is missing.
        - `lag`: of how many further rows each of them knows; of examples, which are no steps, none.
        - `seed`: of the samples.
        - `options`: how a file is read.

        **Returns:** the table, to be written by `write_completed` or gone through by `batches`; of recordings an
        iterable over [`CompletedRows`][vestige.tasks.completions.CompletedRows], float64 in the units of the table.

        **Raises:** `UsageError`, as `predict`, and where the model has no likelihood of some of the values; `RunError`
        where samples diverge.
        """
        found = predictor_of(self, load)
        if isinstance(found, CompletesTables):
            return found.completions(source, samples=particles, seed=seed, options=options)
        predictor = step_predictor_of(self, load, "filling in")
        return Completed(predictor, source, particles=particles, lag=lag, seed=seed, options=options)

    def score(
        self, source: Any, *, alarms: float = ALARMS, options: ReadOptions | None = None
    ) -> Iterator[ScoredSteps]:
        """Score every step of a table by its surprise, as `vestige score` does.

        **Arguments:**

        - `source`: what `vestige.data.open` reads.
        - `alarms`: the share of steps like the held-out ones of the training that may be alarms, in (0, 1).
        - `options`: how a file is read.

        **Returns:** an iterator over [`ScoredSteps`][vestige.runs.scoring.ScoredSteps].

        **Raises:** `UsageError`, as `predict`, and for a share that the held-out steps are too few for.
        """
        predictions = self.surprises(source, options=options)
        check_alarms(predictions, alarms)
        return (scored(predictions, steps, alarms) for steps in predictions)


def load(folder: str | Path, *, data: Path | None = None, without_data: bool = False) -> Restored:
    """The run in `folder` at its newest sound checkpoint, or an export, with its own data or a file in place of them.

    What was fitted in training is kept: other data are seen in units of the training. A task on files of the user's
    reads those alone that an evaluation needs.

    **Arguments:**

    - `folder`: of the run, or of its export, whose data are left unread where that is possible.
    - `data`: a file, or folder, in place of the run's own.
    - `without_data`: leave its data unread, which may be gone: enough for `predict`, not to evaluate.

    **Returns:** the run.

    **Raises:** `UsageError` where it is no run folder or has no sound checkpoint, where a file that is needed is
    missing or is not the one that the run is trained on, and where `data` is given to a run that reads no file.
    """
    folder = Path(folder)
    run, an_export = recorded(folder), is_export(folder)
    unread = without_data or (an_export and data is None and isinstance(run.experiment.task, ServesWithoutData))
    if unread:
        found = _unread(folder, run.experiment)
    else:
        found = locate(folder, run.experiment, data=data)
    built = constructed(found.experiment, seed=run.seed, fitted=found.fitted, outline=an_export)
    if an_export:
        model, step = exported(folder, built.model)
        built = built._replace(model=model)
        return Restored(run.entry, found.experiment, built, model, step, [*run.notices, *found.notices], folder, unread)
    if not unread:
        check_sizes(found.experiment, built)
    template = start(
        built.model,
        built.task,
        rule=built.rule,
        optimiser=built.optimiser,
        batch_size=run.experiment.batch_size,
        key=built.key,
        logged=False,
    )
    store = Checkpoints(folder / CHECKPOINTS, fingerprint=run.identity, also=run.earlier)
    state, step, notices = store.restore(template)
    if step is None:
        raise UsageError("\n".join([f"{folder} has no checkpoint that can be read", *notices]))
    notices = [*run.notices, *found.notices, *notices, *_older_than_results(folder, step)]
    return Restored(run.entry, found.experiment, built, state.model, step, notices, folder, unread)


def load_for_use(folder: str | Path) -> Restored:
    """As `load`, without its data where the task can be built so."""
    return load(folder, without_data=isinstance(recorded(Path(folder)).experiment.task, ServesWithoutData))


def _unread(folder: Path, experiment: Experiment) -> Located:
    """A run whose data are not read. **Raises:** `UsageError` where it is none of a task that can be built so."""
    check_predicts(folder, experiment)
    if (fitted := read_fitted(folder)) is None:
        return locate(folder, experiment)  # of an earlier version: fitted again
    assert isinstance(experiment.task, ServesWithoutData)
    return Located(experiment.replace("task", experiment.task.without_data()), fitted, [])


def _older_than_results(folder: Path, step: int) -> list[str]:
    """A sentence where the checkpoint is not the one that was evaluated at the end."""
    if not (folder / RESULTS).is_file():
        return []
    try:
        updates = read_results(folder / RESULTS).get("updates", step)
    except DamagedFile as error:
        return [str(error)]
    if updates <= step:
        return []
    return [
        f"{folder / RESULTS} is of update {updates}; the newest sound checkpoint is {folder / CHECKPOINTS / str(step)}"
    ]


def picture_so_far(folder: Path) -> list[str]:
    """Write `evaluation-so-far.npz` of a run that is still going, from its newest checkpoint.

    The run's own files are left alone, so that it goes on undisturbed, and its `evaluation.npz` is that of its end.

    **Returns:** a sentence for each damaged checkpoint that was passed over.
    """
    run = load(folder)
    write_evaluation(folder / SO_FAR, evaluate(run.entry, run.experiment, run.components, run.model)[1])
    return run.notices
