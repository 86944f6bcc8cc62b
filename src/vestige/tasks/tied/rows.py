"""Rows of a table with a class each: to be recognised, generated, completed."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.data.row_layout import RowLayout
from vestige.data.tables import Cells
from vestige.errors import UsageError
from vestige.models.families import (
    AbstractFamily,
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    CountScale,
    Gaussian,
    Mixed,
    NegativeBinomial,
    parameters_at,
)
from vestige.models.tied import OneHot, TiedPair, Visible, reliability
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.order_statistics import PREFIX, Sorted
from vestige.tasks.programs import Program
from vestige.tasks.samples import Sampled, no_sequences
from vestige.tasks.tied.classify_program import classify_row_program
from vestige.tasks.tied.labels import check_labels, check_numbers, drawn_batch, some_of
from vestige.tasks.tied.measures import of_classes, of_data
from vestige.tasks.tied.recognitions import RECOGNITIONS
from vestige.tasks.tied.row_answers import sampled_rows
from vestige.tasks.tied.table_prediction import TablePredictor, held_out_surprises
from vestige.typing import Batch, Key, Metrics

LEAST_SCALE = 0.05
"""Of a number, in its standard deviations in training: what a value that repeats exactly is worth is bounded, and so is
what the way up is shown of it."""
FINAL = 5  # times as many importance samples as while training
SURPRISE = "surprise"
"""The name under which surprises of held-out rows are kept."""


def visible_of(layout: RowLayout) -> Visible:
    """The lowest layer of a model of rows.

    **Arguments:** `layout`: of the rows.

    **Returns:** numbers with a learned scale, continuous Bernoulli grey levels, negative binomial counts, bits and
    classes.
    """
    make: dict[str, Any] = {
        "number": lambda size: Gaussian(size, LEAST_SCALE),
        "grey": ContinuousBernoulli,
        "count": lambda size: NegativeBinomial(size, CountScale(layout.rates, layout.spreads)),
        "bit": Bernoulli,
        "class": Categorical,
    }
    return Visible(Mixed([make[block.kind](block.size) for block in layout.blocks]), np.asarray(layout.centre))


def bias_of(layout: RowLayout, visible: Visible) -> Float[Array, " parameters"]:
    """The downward bias of rows at the start: that of their means in training, independent of each other.

    **Arguments:**

    - `layout`: of the rows.
    - `visible`: what they are made of.
    """
    means = visible.family.split(jnp.asarray(layout.centre, jnp.float32))
    return jnp.concatenate([_at(part, mean, layout) for part, mean in zip(visible.family.parts, means, strict=True)])


def _at(part: AbstractFamily, mean: Array, layout: RowLayout) -> Array:
    spread = jnp.ones_like(mean)
    if isinstance(part, NegativeBinomial):
        spread = 2 * jnp.sqrt(jnp.asarray(layout.rates, mean.dtype)) * jnp.asarray(layout.spreads, mean.dtype)
    return parameters_at(part, mean, spread)


class LabelledTable(AbstractTask):
    """Rows of values of several kinds, some missing (NaN), with a class each or none, which may be hidden in training.

    Metrics on `size` held-out rows (all, if there are no more):

    - `nll`: -log p of the values that are there, as the model sees them, by importance sampling with `samples` draws
      from the recognition network; nats. `ess`, `negative_elbo` and `consistency_gap` as for images.
    - where there are classes, on the rows that have one: `error`, `error_ap2`, `error_sampled`, `error_generative`,
      `ece`, `ece_ap2`, `ece_sampled`, `round_trip`, as for images, and `label_nll`, -log q(y | x) by the plain forward
      pass. What is missing counts as its mean in training there; `predict` integrates it out.

    **Raises:** `ValueError` where there are not as many labels as rows, all of the classes.
    """

    train: Float[Array, "rows values"]
    train_labels: Float[Array, "labelled classes"] | None
    test: Float[Array, "more values"]
    test_labels: Int[Array, " more_labelled"]
    layout: RowLayout = eqx.field(static=True)
    samples: int = eqx.field(static=True, default=50)
    unread: bool = eqx.field(static=True, default=False)
    """Whether the rows only stand for those of the training, which were not read."""

    def __check_init__(self):
        if self.samples < 1:
            raise ValueError(f"LabelledTable: samples must be at least 1, got {self.samples}")
        check_labels("LabelledTable", "test", self.test, self.test_labels)
        if self.train_labels is not None:
            check_labels("LabelledTable", "train", self.train, self.train_labels)
            check_numbers("LabelledTable", self.test_labels, self.train_labels.shape[1])

    @property
    def visible(self) -> Visible:
        """What a row is made of."""
        return visible_of(self.layout)

    @property
    def bias(self) -> Float[Array, " parameters"]:
        """Of it at the start."""
        return bias_of(self.layout, self.visible)

    def batch(self, *, size: int, key: Key) -> Batch:
        return drawn_batch(self.train, self.train_labels, size=size, key=key)

    def evaluate(self, model: TiedPair, *, size: int, key: Key) -> Metrics:
        key_rows, key_nll, key_rest = jax.random.split(key, 3)
        net = model.resolve()
        rows = some_of(self.test.shape[0], size=size, key=key_rows)
        data, labels = self.test[rows], self.test_labels[rows]
        metrics = of_data(net, data, samples=self.samples, key=key_nll)
        if isinstance(net.units[-1], OneHot):
            metrics |= of_classes(net, data, labels, samples=self.samples, key=key_rest)
            logits = jax.vmap(lambda x: RECOGNITIONS["ap1"].log_top(net, x, key=key_rest))(data)
            log = jnp.take_along_axis(jax.nn.log_softmax(logits, axis=1), labels[:, None], axis=1)
            metrics["label_nll"] = -jnp.mean(log)
        return metrics

    def diagnostics(self, model: TiedPair, *, size: int, key: Key) -> Evaluation:
        """Metrics on all held-out rows with more importance samples, whatever the size, their surprises, and the
        diagrams of reliability."""
        closer = LabelledTable(
            self.train, self.train_labels, self.test, self.test_labels, self.layout, FINAL * self.samples
        )
        metrics = scalars(evaluate(closer, model, self.test.shape[0], key=key))
        net = model.resolve()
        arrays = held_out_surprises(net, np.asarray(self.test)).as_arrays(SURPRISE)
        if isinstance(net.units[-1], OneHot):
            for name, recognition in RECOGNITIONS.items():
                logits = jax.lax.map(
                    lambda x, r=recognition: r.log_top(net, x, key=key), self.test, batch_size=min(100, len(self.test))
                )
                found = reliability(jax.nn.softmax(logits, axis=1), self.test_labels)
                arrays[f"reliability_{name}"] = np.stack(found)
        return Evaluation(metrics, {}, self.bounds(metrics), arrays)

    def predictor(self, model: TiedPair, arrays: Mapping[str, np.ndarray] | None) -> TablePredictor | None:
        """As `vestige.experiments.protocols.PredictsTables` says: scores are calibrated on the held-out rows.

        **Raises:** `UsageError` also where there are no `arrays`, and the held-out rows were not read.
        """
        net = model.resolve()
        if arrays is None:
            if self.unread:
                raise UsageError("the held-out rows were not read, with which surprises are compared")
            return TablePredictor(self.layout, net, held_out_surprises(net, np.asarray(self.test)))
        if f"{PREFIX}{SURPRISE}" not in arrays:
            return None
        try:
            return TablePredictor(self.layout, net, Sorted.from_arrays(arrays, SURPRISE))
        except (KeyError, ValueError) as error:
            raise UsageError(f"the stored calibration is damaged: {error}") from None

    def program(self, model: TiedPair, arrays: Mapping[str, np.ndarray] | None) -> Program | None:
        """As `vestige.experiments.protocols.ExportsProgram` says: the classes of a row, where there are classes."""
        net = model.resolve()
        return classify_row_program(net, self.layout, self.test[0]) if isinstance(net.units[-1], OneHot) else None

    def sampled(self, model: TiedPair, *, count: int, steps: int | None, given: int, seed: int) -> Sampled:
        """As `vestige.experiments.protocols.GeneratesSamples` says: rows, of which each begins with its class."""
        no_sequences(steps, given)
        values, top = sampled_rows(model.resolve(), count, seed=seed)
        none, layout = np.zeros(count, bool), self.layout
        found = {"sample": Cells(np.arange(1, count + 1), none)}
        if layout.label is not None:
            found[layout.label] = Cells(np.array(layout.classes, object)[top.argmax(axis=1)], none)
        decoded = layout.decoded(values)
        return Sampled(found | {name: Cells(cells, none) for name, cells in decoded.items()})

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        family, bias = self.visible.family, self.bias
        alone = jax.jit(jax.vmap(lambda x: family.log_prob(bias, x)))(self.test)
        levels: dict[str, Any] = {"nll": {"chance": -float(jnp.mean(alone))}}
        if self.train_labels is None:
            return levels
        counts = np.bincount(np.asarray(self.test_labels), minlength=self.train_labels.shape[1])
        share = np.asarray(jnp.sum(self.train_labels, axis=0) + 1, np.float64)
        log = np.log(share / share.sum())
        levels["label_nll"] = {"best": 0.0, "chance": -float(counts @ log / counts.sum())}
        for name in ("error", "error_ap2", "error_sampled", "error_generative"):
            levels[name] = {"best": 0.0, "chance": 1 - float(counts.max() / counts.sum())}
        return {name: level for name, level in levels.items() if name in metrics}
