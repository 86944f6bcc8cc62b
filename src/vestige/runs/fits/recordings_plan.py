"""What is trained on a user's recordings: model, sizes and updates, all of them from the file."""

import dataclasses
import math

import jax
import numpy as np

from vestige.data import Recorded
from vestige.data.recorded_table import RecordedColumns
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.models.filters.head_choice import chosen_heads
from vestige.models.filters.lag_choice import LagChoice, chosen_lags
from vestige.models.filters.specs import AutoregressiveSpec
from vestige.runs.fits.columns import ChosenColumns
from vestige.runs.fits.contract import FitPlan, FitRequest, Note
from vestige.tasks.evaluation import evaluate
from vestige.tasks.filtering.custom_data import CustomRecordings, custom_recordings
from vestige.tasks.filtering.loading import recordings_in
from vestige.tasks.filtering.seasons import season_of
from vestige.tasks.filtering.specs import RecordingsSpec
from vestige.training import Cadence, fit
from vestige.training.optimisers import AdamSpec
from vestige.training.refusal import Refused, refusals

WIDTH = 64
"""Hidden units of the net."""
EPOCHS = 12
MOST_UPDATES = 3000
NOISE_UPDATES = 300
"""Updates where the noise alone is learned."""
NOISE_RATE, NET_RATE = 1e-2, 3e-4
ROWS_FOR_A_NET = 1000
TESTED = 0.2
"""Share at the end of the training part on which the net is tested."""
POINTS = 10
"""How often, while it learns there."""
WORTH = 0.995
"""Errors relative to those without a net from which on it is kept."""
BATCH, LONGEST_WINDOW = 32, 1000
HORIZON = 96
"""Steps ahead that are forecast at once, where the file is long enough."""
STEPS_A_STEP_AHEAD = 20
"""Training steps of a recording for each step ahead."""
SEASONS = (1, 2, 3)
"""Multiples of a season that are tried as orders."""


def planned(request: FitRequest, columns: ChosenColumns, *, note: Note) -> FitPlan:
    """Choose model, sizes and updates for a table, on its training part alone.

    The last value or a ridge autoregression, and its order and penalty, are chosen by how they predict later folds of
    the training part. Whether a net that learns what they miss is worth having, and for how many updates, is tried on
    the last fifth of it. Costs the training of that trial.

    **Arguments:**

    - `request`: the file; the last `held_out` of each recording is not looked at.
    - `columns`: of it.
    - `note`: receives what goes on.

    **Raises:** `UsageError` where the file cannot be trained on.
    """
    source, reading = request.source, request.reading
    spec = RecordingsSpec(
        path=str(source),
        values=columns.values,
        held_out=request.held_out,
        leave_out=True,
        inputs=columns.inputs,
        outcomes=columns.outcomes,
        document=columns.document,
        **dataclasses.asdict(reading),
    )
    recorded, _, _ = recordings_in(
        spec.path,
        inputs=spec.inputs,
        outcomes=spec.outcomes,
        document=spec.document,
        reading=reading,
    )
    return plan_for(recorded, spec, request, note=note)


def plan_for(recorded: Recorded, spec: RecordingsSpec, request: FitRequest, *, note: Note) -> FitPlan:
    """As `planned`, for recordings at hand.

    **Arguments:**

    - `recorded`: the recordings.
    - `spec`: of the task on them, its windows not yet chosen.
    - `request`: what is said of them; its source is named in messages.
    - `note`: receives what goes on.
    """
    source, steps = str(request.source), request.steps
    check_held_out(recorded, spec.held_out, source, spec.document)
    task = task_for(recorded, spec, source)
    frames, starts = np.asarray(task.train.frames, np.float64), np.asarray(task.train.starts)
    season = season_of(frames, starts) if request.season is None else request.season
    lags = chosen_lags(frames, starts, orders=[times * season for times in SEASONS] if season else ())
    sized, why = _sized(spec, task, lags), [_said_of_lags(lags, season)]
    horizon = request.horizon
    if horizon is None:
        horizon = min(HORIZON, task.train.longest // STEPS_A_STEP_AHEAD)
    if horizon and spec.values == "numbers":
        sized, said = _with_heads(sized, frames, starts, lags, horizon, season)
        why.append(said)
    rows = int(np.isfinite(frames).all(axis=1).sum())
    if rows < ROWS_FOR_A_NET:
        why.append(f"{rows:,} rows of training are too few for a net beside it.")
        return FitPlan(_without_net(sized, steps), tuple(why))
    note("trying a net on the last fifth of the training part")
    updates, gain = _tried(sized, recorded, source, steps=steps, seed=request.seed)
    if not updates:
        why.append("A net beside it did not help on the last fifth of the training part, and is left out.")
        return FitPlan(_without_net(sized, steps), tuple(why))
    why.append(
        f"A net of {WIDTH} units beside it lowered the error on the last fifth of the training part by {gain:.1%} "
        f"after {updates:,} updates."
    )
    return FitPlan(dataclasses.replace(sized, steps=updates), tuple(why))


def check_held_out(recorded: Recorded, share: float, source: str, document: str | None) -> None:
    """Check that every recording has a training part and a held-out one.

    **Arguments:**

    - `recorded`: the recordings.
    - `share`: that is held out.
    - `source`: where they are from, for messages.
    - `document`: the column that distinguishes them.

    **Raises:** `UsageError` where one has none.
    """
    lengths = np.asarray(recorded.frames.lengths, np.int64)
    held = np.array([round(share * int(length)) for length in lengths])
    short = (held < 1) | (held >= lengths)
    if not short.any():
        return
    row = f"{lengths[short].min():,} row{'s' if lengths[short].min() > 1 else ''}"
    if len(lengths) == 1:
        raise UsageError(
            f"{source}: a held-out share of {share:g} leaves none of {row} to compare on, or none to train on; choose "
            "another --held-out"
        )
    where = f" of column '{document}'" if document else ""
    raise UsageError(
        f"{source}: {short.sum():,} of {len(lengths):,} recordings{where} are too short to hold out {share:g} of each, "
        f"the shortest is of {row}; leave them out of the file, or name another column (--document)"
    )


def task_for(
    recorded: Recorded, spec: RecordingsSpec, source: str, *, columns: RecordedColumns | None = None
) -> CustomRecordings:
    """The task, with what its checks refuse reported as the user's.

    **Arguments:**

    - `recorded`: the recordings.
    - `spec`: of the task.
    - `source`: where they are from, for messages.
    - `columns`: of the table that they are from.

    **Raises:** `UsageError` for recordings that cannot be trained or evaluated on.
    """
    assert spec.values is not None
    try:
        with refusals(CustomRecordings):
            return custom_recordings(
                recorded,
                spec.values,
                held_out=spec.held_out,
                length=spec.length,
                leave_out=spec.leave_out,
                columns=columns,
            )
    except (Refused, ValueError) as error:
        raise UsageError(f"{source}: {error}") from error


def _sized(spec: RecordingsSpec, task: CustomRecordings, lags: LagChoice) -> Experiment:
    """Windows several times as long as the lags, and as many of them in a batch as the file has."""
    total, longest = task.train.frames.shape[0], task.train.longest
    length = min(max(100, 4 * lags.order), LONGEST_WINDOW, longest)
    batch = max(1, min(BATCH, total // length))
    noise = "learned" if spec.values == "bits" else "heavy-tailed"
    correlated = spec.values == "numbers"
    model = AutoregressiveSpec(lags.order, lags.penalty, lags.toward, WIDTH, noise, correlated=correlated)
    experiment = Experiment(
        dataclasses.replace(spec, length=max(2, length)),
        model,
        batch_size=batch,
        num_evals=4,
        eval_size=max(2, min(256, task.test.count)),
        optimiser=AdamSpec(NET_RATE, decay="constant"),
    )
    interval = experiment.rule.steps_per_update
    updates = EPOCHS * total // (batch * interval)
    return dataclasses.replace(experiment, steps=max(POINTS, min(MOST_UPDATES, updates)))


def _with_heads(
    sized: Experiment, frames: np.ndarray, starts: np.ndarray, lags: LagChoice, horizon: int, season: int | None
) -> tuple[Experiment, str]:
    """With direct heads, where they forecast better, and what is said of it."""
    found = chosen_heads(frames, starts, lags, horizon=horizon, season=season)
    if found is None:
        return sized, f"The training part is too short to try what forecasts {horizon:,} steps at once."
    if found.options is None:
        return sized, "Forecasts are made step by step: nothing that forecasts many steps at once was better."
    of = found.options
    model = dataclasses.replace(
        sized.model,
        horizon=of.horizon,
        direct_from=of.first,
        window=of.window,
        direct_penalty=of.penalty,
        pooled=of.pooled,
    )
    from_step = f", from step {of.first:,} on" if of.first > 1 else ""
    return dataclasses.replace(sized, model=model), (
        f"{of.horizon:,} steps are forecast at once by regressions on the last {of.window:,}{from_step}: on the last "
        f"fifth of the training part that lowers the error by {1 - found.error / found.fed_back_error:.0%}."
    )


def _without_net(sized: Experiment, steps: int | None) -> Experiment:
    model = dataclasses.replace(sized.model, width=0)
    updates = NOISE_UPDATES if steps is None else steps
    return dataclasses.replace(sized, model=model, steps=updates, optimiser=AdamSpec(NOISE_RATE))


def _tried(sized: Experiment, recorded: Recorded, source: str, *, steps: int | None, seed: int) -> tuple[int, float]:
    """For how many updates a net is worth training, 0 where it is not, and by how much it lowers the error."""
    assert isinstance(sized.task, RecordingsSpec)
    early = recorded.parted(sized.task.held_out)[0]
    task = task_for(early, dataclasses.replace(sized.task, held_out=TESTED), source)
    most = sized.steps if steps is None else min(steps, sized.steps)
    key_model, key_run = jax.random.split(jax.random.key(seed))
    model = sized.model.build(task, key=key_model)
    every = max(1, most // POINTS)
    fitted = fit(
        model,
        task,
        rule=sized.rule.build(sized.model, task),
        optimiser=sized.optimiser.build(most, task=task, rule=sized.rule),
        steps=most,
        key=key_run,
        batch_size=sized.batch_size,
        cadence=Cadence(every, max(1, most), every, sized.eval_size),
    )
    without = float(evaluate(task, model, sized.eval_size, key=key_run)["frame_error"])
    found = {int(r["step"]): float(r["frame_error"]) for r in fitted.history if r["kind"] == "evaluate"}
    best = min(found, key=lambda step: found[step] if math.isfinite(found[step]) else math.inf)
    kept = math.isfinite(found[best]) and found[best] < WORTH * without
    return (best, 1 - found[best] / without) if kept else (0, 0.0)


def _said_of_lags(lags: LagChoice, season: int | None) -> str:
    if not lags.order:
        return "The model goes from the last value: nothing predicted later folds of the training part better."
    repeats = f"; there is a season of {season:,} steps" if season else ""
    return (
        f"The model is a ridge autoregression of order {lags.order:,} (penalty {lags.penalty:g} toward the "
        f"{lags.toward.replace('-', ' ')}): errors on later folds of the training part are "
        f"{lags.error / lags.last_error:.1%} of the last value's{repeats}."
    )
