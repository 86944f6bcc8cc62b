"""What is trained on a user's stream: model, rule, sizes and updates, all of them from the file."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from vestige.cells.specs import LSTMSpec
from vestige.data.steps.prose import is_prose
from vestige.errors import UsageError, shown
from vestige.experiments.experiment import Experiment
from vestige.models.longterm.specs import RecurrentSpec
from vestige.rules.longterm_specs import TruncatedSpec
from vestige.rules.memup_specs import MemUPSpec
from vestige.rules.spec import RuleSpec
from vestige.runs.fits.contract import FitPlan, FitRequest, Note
from vestige.tasks.longterm.outcome_calibration import chunks_of
from vestige.tasks.longterm.outcome_examples import known_in
from vestige.tasks.longterm.stream import Stream
from vestige.tasks.longterm.stream_spec import FAR, StreamSpec
from vestige.tasks.longterm.stream_tables import tried_on
from vestige.training import Cadence, fit
from vestige.training.optimisers import AdamSpec, MuonSpec, OptimiserSpec
from vestige.training.refusal import Refused, refusals

BATCH = 32
MOST_NAMED = 8
"""Columns that are named where it is said what is seen."""
ROLLOUT, FREQUENCY = 10, 5
"""Steps that the gradient goes back, and from one prediction point to the next."""
TEXT_ROLLOUT = 50
LEAST_LANE = 50
"""Steps of a lane of a file without documents, at least: fewer lanes where it is short."""
TARGETS = 3
EPOCHS, TEXT_EPOCHS = 12, 3
LEAST_UPDATES, MOST_UPDATES, MOST_TEXT_UPDATES = 100, 3000, 2500
HIDDEN, TEXT_HIDDEN = 64, 256
TESTED = 0.1
"""Share at the end of the training part on which the number of updates is chosen."""
NEAR = 0.05
POINTS = 10
"""How often, while the model learns there."""
LONG_TEXT = 300_000
"""Characters of training from which on a text is read but a few times, and the number of updates is not tried."""


def planned(request: FitRequest, first: str, *, note: Note) -> FitPlan:
    """Choose rule, sizes and updates for a stream or a text, on its training part alone.

    The number of updates is the most after which the loss on the last tenth of the training part is within a twentieth
    of the least; a long text is read three times. Costs the training of that trial.

    **Arguments:**

    - `request`: the file; its last `held_out` is not looked at.
    - `first`: for what it is taken, and why.
    - `note`: receives what goes on.

    **Raises:** `UsageError` where the file cannot be trained on.
    """
    _check(request)
    spec = _spec(request)
    task = _built(request, spec)
    experiment = _sized(spec, task, request.horizon)
    most = experiment.steps if request.steps is None else request.steps
    experiment = dataclasses.replace(experiment, steps=most)
    why = [first, *_said_of_columns(task), _said_of_sizes(task, experiment)]
    if spec.text and task.train.length >= LONG_TEXT:
        return FitPlan(experiment, (*why, f"{most:,} updates, {_passes(task, experiment):.1f} times the text."))
    early = tried_on(task, TESTED)
    if early is None:
        why.append(f"{most:,} updates: the training part is too short to try how many are best.")
        return FitPlan(experiment, tuple(why))
    note("trying how many updates are best on the last tenth of the training part")
    best = _tried(experiment, early, request.seed)
    harm = "" if best == most else ": after more, the last tenth of the training part is predicted worse"
    why.append(f"{best:,} of {most:,} updates{harm}.")
    return FitPlan(dataclasses.replace(experiment, steps=best), tuple(why))


def _check(request: FitRequest) -> None:
    """**Raises:** `UsageError` for what says nothing of a stream."""
    if request.season is not None:
        raise UsageError(f"season is of recordings, and {request.source} is taken for a stream; leave --season out")
    if request.horizon is not None and (request.horizon < 1 or is_prose(request.source, request.reading.encoding)):
        raise UsageError(
            "horizon is how far ahead the outcomes lie that a memory is trained on, at least 1 step, and not of texts; "
            f"got {request.horizon} for {request.source}"
        )


def _spec(request: FitRequest) -> StreamSpec:
    text = is_prose(request.source, request.reading.encoding)
    return StreamSpec(
        train=str(request.source),
        held_out_share=request.held_out,
        inputs=None if text else request.inputs,
        outcomes=None if text else request.outcomes,
        document=request.document,
        ignored=request.ignored,
        time=request.time,
        kinds=",".join(f"{name}={kind}" for name, kind in request.kinds.items()) or None,
        text=text,
        table=None if text else True,
        **dataclasses.asdict(request.reading),
    )


def _built(request: FitRequest, spec: StreamSpec) -> Stream:
    try:
        with refusals(Stream):
            return spec.build(seed=request.seed)
    except (Refused, ValueError) as error:
        raise UsageError(f"{request.source}: {error}") from error


def _sized(spec: StreamSpec, task: Stream, horizon: int | None = None) -> Experiment:
    rows = task.train.length
    batch = min(BATCH, rows // LEAST_LANE if task.documents is None else task.documents[0].count)
    batch = max(1, batch)
    if spec.text:
        sizes = _of_text(rows, batch)
    else:
        longest = rows // batch if task.documents is None else task.documents[0].longest
        if horizon is None and task.documents is None:
            horizon = min(FAR, longest)
        rollout = max(2, min(ROLLOUT, longest))
        rule = MemUPSpec(rollout, TARGETS, frequency=min(FREQUENCY, rollout), horizon=horizon)
        sizes = _Sizes(rule, MuonSpec(3e-3), HIDDEN, EPOCHS, MOST_UPDATES)
    model = RecurrentSpec(LSTMSpec(sizes.hidden), width=sizes.hidden)
    passed = batch * sizes.rule.steps_per_update
    return Experiment(
        spec,
        model,
        sizes.rule,
        sizes.optimiser,
        steps=max(LEAST_UPDATES, min(sizes.most, sizes.epochs * rows // passed)),
        batch_size=batch,
        num_evals=4,
        eval_size=max(1, min(BATCH, task.held_out.length // LEAST_LANE)),
    )


class _Sizes(NamedTuple):
    """What depends on the kind of stream."""

    rule: RuleSpec
    optimiser: OptimiserSpec
    hidden: int
    epochs: int
    most: int
    """Updates."""


def _of_text(rows: int, batch: int) -> _Sizes:
    """Of a text, each of whose steps has an outcome: to predict distant ones costs more than it brings."""
    rule = TruncatedSpec(max(2, min(TEXT_ROLLOUT, rows // batch)))
    if rows < LONG_TEXT:
        return _Sizes(rule, AdamSpec(3e-3, "constant"), HIDDEN, EPOCHS, MOST_UPDATES)
    return _Sizes(rule, AdamSpec(3e-3), TEXT_HIDDEN, TEXT_EPOCHS, MOST_TEXT_UPDATES)


def _tried(experiment: Experiment, early: Stream, seed: int) -> int:
    """After how many updates the end of the training part is predicted about as well as ever."""
    key_model, key_run = jax.random.split(jax.random.key(seed))
    every = max(1, experiment.steps // POINTS)
    fitted = fit(
        experiment.model.build(early, key=key_model),
        early,
        rule=experiment.rule.build(experiment.model, early),
        optimiser=experiment.optimiser.build(experiment.steps, task=early, rule=experiment.rule),
        steps=experiment.steps,
        key=key_run,
        batch_size=min(experiment.batch_size, early.train.length),
        cadence=Cadence(every, experiment.steps, every, max(1, min(experiment.eval_size, early.held_out.length))),
    )
    measure, chance = ("mse", "constant_mse") if early.classes is None else ("cross_entropy", "frequency_cross_entropy")
    records = [record for record in fitted.history if record["kind"] == "evaluate"]
    found = {int(record["step"]): float(record[measure]) for record in records}
    return enough(found, float(records[-1][chance])) or experiment.steps


def enough(found: Mapping[int, float], chance: float) -> int | None:
    """The most updates after which a loss is within a twentieth of the least.

    A memory is often learned all at once, after a number of updates that chance decides: where more do no harm they are
    made, lest the run ends just before.

    **Arguments:**

    - `found`: number of updates -> loss.
    - `chance`: the loss of who knows how often each outcome comes.

    **Returns:** one of them; None where no loss is below that by a twentieth: nothing was learned, which does not say
    how many updates are enough.
    """
    losses = {step: loss for step, loss in found.items() if step and math.isfinite(loss)}
    least = min(losses.values(), default=math.inf)
    if not least < chance - NEAR * abs(chance):
        return None
    return max(step for step, loss in losses.items() if loss <= least + NEAR * abs(least))


def _passes(task: Stream, experiment: Experiment) -> float:
    return experiment.steps * experiment.batch_size * experiment.rule.steps_per_update / task.train.length


def _said_of_columns(task: Stream) -> list[str]:
    columns, rows = task.columns, task.train.length
    assert columns is not None
    if columns.text:
        return [f"Trained on {rows:,} characters, {task.tokens:,} different ones."]
    if task.tokens is not None:
        seen = f"'{shown(columns.seen[0].name)}', one of {task.tokens:,} codes"
    else:
        names = ", ".join(f"'{shown(column.name)}' ({column.kind})" for column in columns.seen[:MOST_NAMED])
        more = len(columns.seen) - MOST_NAMED
        seen = f"{names}{f' and {more:,} more columns' if more > 0 else ''}, as {task.features:,} numbers"
    outcome = "a number" if task.classes is None else f"one of {task.classes:,} classes"
    known = known_in(task.train, np.array([rows]))
    said = [f"Seen at a step: {seen}; '{shown(columns.outcome.name)}' is {outcome}."]
    if task.documents is None:
        said.append(f"Trained on {rows:,} steps, {known:,} with a known outcome.")
    else:
        documents = task.documents[0]
        said.append(
            f"Trained on {documents.count:,} documents of up to {documents.longest:,} steps, {known:,} known outcomes "
            f"in {rows:,} steps; nothing is remembered from one document to the next."
        )
    return said if task.classes is None else [*said, _said_of_classes(task, known)]


def _said_of_classes(task: Stream, known: int) -> str:
    assert task.classes is not None and task.columns is not None and task.columns.labels is not None
    counts = np.zeros(task.classes, np.int64)
    for chunk in chunks_of(task.train, np.array([task.train.length])):
        counts += np.bincount(chunk.outcomes[chunk.outcomes >= 0], minlength=task.classes)
    most = int(counts.argmax())
    return f"The most frequent class is '{shown(task.columns.labels[most])}', {counts[most] / known:.1%} of them."


def _said_of_sizes(task: Stream, experiment: Experiment) -> str:
    rule: Any = experiment.rule
    model: Any = experiment.model
    if isinstance(rule, TruncatedSpec):
        return (
            f"Every step has an outcome: back-propagation through {rule.rollout:,} steps, the state carried on; "
            f"{experiment.batch_size:,} places of the text at a time, {model.cell.hidden:,} units."
        )
    far = "the end of the document" if rule.horizon is None else f"{rule.horizon:,} steps ahead"
    return (
        f"MemUP: rollouts of {rule.rollout:,} steps, which predict {rule.targets:,} of the most uncertain outcomes up "
        f"to {far}; {experiment.batch_size:,} sequences an update."
    )
