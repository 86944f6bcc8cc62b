"""Ways to get probabilities out of one trained classifier, on the same data."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy.special import softmax

from vestige.calibration.post_hoc import isotonic, temperature
from vestige.errors import UsageError
from vestige.models.tied import AbstractRecognition, Net, PlainForward, Sampled, VariancePropagation
from vestige.models.tied.calibration import BINS
from vestige.models.tied.foreign import pair_of
from vestige.numerics import batched_map

FEWEST = 20
"""Rows in each of the two parts."""
DRAWS, EXPENSIVE = 1000, 200
"""Of the bootstrap; of that of calibration errors."""
AT_ONCE = 250


class Number(NamedTuple):
    """A mean over the test rows, and the ends of its 95% interval (percentiles of the bootstrap over rows)."""

    value: float
    low: float
    high: float


class Way(NamedTuple):
    """One way to compute probabilities, evaluated on the test rows.

    - `error`: share of wrong decisions; `nll`: -log of the probability of the label, nats, infinite where a label that
      occurs has probability 0.
    - `brier`: squared error summed over classes; `ece`: expected calibration error with 15 bins, which is above 0 even
      for a perfect classifier.
    - `confidence`: mean probability of the decision.
    - `ece_if_perfect`: what `ece` would be in the mean if every probability were right, on as many rows.
    """

    error: Number
    nll: Number
    brier: Number
    ece: Number
    confidence: float
    ece_if_perfect: float


class Calibrations(NamedTuple):
    """What `calibrate` found.

    - `ways`: name -> how good it is.
    - `probabilities`: name -> (rows, classes), of the test rows.
    - `temperatures`: way -> the temperature that was found.
    - `test_rows`: their numbers.
    - `fitted_on`: how many rows the ways that need validation data were fitted on.
    """

    ways: dict[str, Way]
    probabilities: dict[str, np.ndarray]
    temperatures: dict[str, float]
    test_rows: np.ndarray
    fitted_on: int

    @property
    def over_confidence(self) -> float:
        """Mean confidence minus accuracy of the plain network; negative where it is under-confident."""
        plain = self.ways["plain"]
        return plain.confidence - (1 - plain.error.value)

    def sentence(self) -> str:
        """What to do, in two sentences."""
        plain, ap2 = self.ways["plain"], self.ways["ap2"]
        spread = np.sqrt(max(plain.error.value * (1 - plain.error.value), 1e-12) / len(self.test_rows))
        over = self.over_confidence
        if over > 2 * spread:
            state = f"over-confident by {over:.3f} (its confidence is {plain.confidence:.3f} in the mean)"
            advice = "AP2 lowers confidence and needs no validation data"
        elif over < -2 * spread:
            state = f"under-confident by {-over:.3f}"
            advice = "AP2 lowers confidence and makes such networks worse: take temperature"
        else:
            state = "neither over- nor under-confident beyond what so few rows tell"
            advice = "AP2 lowers confidence and need not help"
        gain = plain.nll.value - ap2.nll.value
        found = (
            f"here AP2 {'lowers' if gain > 0 else 'raises'} the loss from {plain.nll.value:.4g} to {ap2.nll.value:.4g}"
        )
        best = min(self.ways, key=lambda name: self.ways[name].nll.value)
        return f"The network is {state}. {advice}; {found} nats. The lowest loss has: {best}."


def calibrate(
    model: Any,
    inputs: Any,
    labels: Any,
    *,
    activation: str | None = None,
    validation: float = 0.5,
    passes: int = 200,
    seed: int = 0,
) -> Calibrations:
    """Compare ways to get probabilities out of a trained classifier of sigmoid or tanh units, on data it has not seen.

    `plain`: its forward pass; `ap2`: propagation of variances; `sampled`: the mean of sampled passes. These need no
    validation data. `temperature`: one number that divides the logits; `ap2-temperature`: both; `isotonic`.

    **Arguments:**

    - `model`: as [`pair_of`][vestige.models.tied.foreign.pair_of] takes it.
    - `inputs`: (rows, features), finite, as the network takes them.
    - `labels`: (rows,), integers from 0 on.
    - `activation`: of the hidden units, where the model does not say it.
    - `validation`: the share of rows on which temperatures and isotonic curves are fitted; the others are for the test.
    - `passes`: of `sampled`.
    - `seed`: of the division of rows, of the passes, of the bootstrap.

    **Returns:** the ways with their intervals. Time in proportion to rows and passes.

    **Raises:** `UsageError` for inputs of another width or not finite, labels that are no classes, fewer than 20 rows
    in a part, and for models as `pair_of`.
    """
    pair = pair_of(model, activation=activation)
    net = pair.resolve()
    rows, labels = _checked(net, inputs, labels)
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(rows))
    count = round(validation * len(rows)) if 0 < validation < 1 else 0
    if not 0 < validation < 1 or min(count, len(rows) - count) < FEWEST:
        raise UsageError(
            f"validation must leave at least {FEWEST} rows in each part, got {validation:g} of {len(rows)} rows: "
            f"{count} and {len(rows) - count}"
        )
    fit, test = np.sort(order[:count]), np.sort(order[count:])
    logits = {name: _logits(net, way, rows, seed) for name, way in _recognitions(passes).items()}
    if not all(np.isfinite(each).all() for each in logits.values()):
        raise UsageError("the outputs of the network are not finite on these inputs; are its weights sound?")
    found = {name: softmax(each[test], axis=1) for name, each in logits.items()}
    heat = {}
    for name, source in (("temperature", "plain"), ("ap2-temperature", "ap2")):
        heat[name] = temperature(logits[source][fit], labels[fit])
        found[name] = softmax(logits[source][test] / heat[name], axis=1)
    found["isotonic"] = isotonic(softmax(logits["plain"][fit], axis=1), labels[fit], found["plain"])
    weights = draw.multinomial(len(test), np.full(len(test), 1 / len(test)), size=DRAWS)
    ways = {name: _evaluated(each, labels[test], weights, draw) for name, each in found.items()}
    return Calibrations(ways, found, heat, test, count)


def _recognitions(passes: int) -> dict[str, AbstractRecognition]:
    return {"plain": PlainForward(), "ap2": VariancePropagation(), "sampled": Sampled(passes)}


def _logits(net: Net, way: AbstractRecognition, rows: np.ndarray, seed: int) -> np.ndarray:
    keys = jax.random.split(jax.random.key(seed), len(rows))

    @jax.jit
    def all_of(rows: Array, keys: Array) -> Array:
        return batched_map(lambda row: way.log_top(net, row[0], key=row[1]), (rows, keys), at_most=AT_ONCE)

    return np.asarray(all_of(jnp.asarray(rows, net.prior.dtype), keys), np.float64)


def _checked(net: Net, inputs: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    rows, labels = np.asarray(inputs, np.float64), np.asarray(labels)
    if rows.ndim != 2 or rows.shape[1] != net.units[0].size:
        raise UsageError(f"inputs must be (rows, {net.units[0].size}), as the network takes them, got {rows.shape}")
    wrong = ~np.isfinite(rows).all(axis=1)
    if wrong.any():
        raise UsageError(f"inputs must be finite, row {int(np.argmax(wrong))} holds {rows[np.argmax(wrong)].tolist()}")
    classes = net.units[-1].size
    if labels.shape != (len(rows),) or not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == bool):
        raise UsageError(f"labels must be ({len(rows)},) integers, got {labels.dtype} {labels.shape}")
    labels = labels.astype(np.int64)
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        row = int(np.argmax(outside))
        raise UsageError(f"labels must be from 0 to {classes - 1}, got {labels[row]} in row {row}")
    return rows, labels


def _evaluated(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray, draw: np.random.Generator) -> Way:
    rows = np.arange(len(labels))
    right = probabilities[rows, labels]
    wanted = np.eye(probabilities.shape[1])[labels]
    each = {
        "error": (probabilities.argmax(axis=1) != labels).astype(float),
        "nll": np.where(right > 0, -np.log(np.where(right > 0, right, 1.0)), np.inf),
        "brier": ((probabilities - wanted) ** 2).sum(axis=1),
    }
    numbers = {name: _mean(values, weights) for name, values in each.items()}
    sampled = [_ece(probabilities, labels, weight) for weight in weights[:EXPENSIVE]]
    once = np.ones(len(labels), np.int64)
    ece = Number(_ece(probabilities, labels, once), *np.percentile(sampled, [2.5, 97.5]).tolist())
    edges = probabilities.cumsum(axis=1)
    drawn_labels = lambda: np.minimum((draw.random((len(labels), 1)) > edges).sum(axis=1), probabilities.shape[1] - 1)
    perfect = float(np.mean([_ece(probabilities, drawn_labels(), once) for _ in range(EXPENSIVE)]))
    return Way(**numbers, ece=ece, confidence=float(probabilities.max(axis=1).mean()), ece_if_perfect=perfect)


def _mean(values: np.ndarray, weights: np.ndarray) -> Number:
    infinite = weights @ np.isinf(values) > 0
    means = np.where(infinite, np.inf, weights @ np.where(np.isinf(values), 0.0, values) / len(values))
    low, high = np.percentile(means, [2.5, 97.5], method="inverted_cdf").tolist()
    return Number(float(values.mean()), low, high)


def _ece(probabilities: np.ndarray, labels: np.ndarray, weight: np.ndarray) -> float:
    """`reliability(…).ece` with rows counted so often."""
    confidence = probabilities.max(axis=1)
    place = np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)
    right = probabilities.argmax(axis=1) == labels
    gap = np.bincount(place, weight * (right - confidence), minlength=BINS)
    return float(np.abs(gap).sum() / weight.sum())
