"""How far the probabilities of a classifier can be believed."""

from typing import Any, NamedTuple, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from vestige.numerics import is_concrete

BINS = 15
ROUNDING = 1e-3  # by which the probabilities of a row may miss a sum of 1


class Reliability(NamedTuple):
    """Decisions sorted by confidence into equal intervals of [0, 1]."""

    confidence: Float[Array, " bins"]
    """Mean probability of the chosen class; 0 in an empty bin."""
    accuracy: Float[Array, " bins"]
    """How often it was right."""
    share: Float[Array, " bins"]
    """Part of all decisions."""

    @property
    def ece(self) -> Float[Array, ""]:
        """Expected calibration error, Σ share · |accuracy - confidence| (Guo et al. 2017)."""
        return jnp.sum(self.share * jnp.abs(self.accuracy - self.confidence))


def reliability(probabilities: Shaped[Array, "..."], labels: Shaped[Array, "..."], *, bins: int = BINS) -> Reliability:
    """Confidence against accuracy.

    **Arguments:**

    - `probabilities`: (rows, classes), each row adding up to one; of two classes also (rows,) or (rows, 1), the
      probability of the second.
    - `labels`: (rows,), integers from 0 on, or booleans of two classes.
    - `bins`: intervals of confidence.

    In a compiled program, where numbers cannot be read, all is NaN if a row is no distribution or a label no class.

    **Raises:** `ValueError` for fewer than 1 bin or row, for other shapes and types, and for concrete numbers that are
    no distributions (logits, say) or no classes.
    """
    if bins < 1:
        raise ValueError(f"reliability: bins must be at least 1, got {bins}")
    rows = _distributions(probabilities)
    labels = _classes(labels, *rows.shape)
    sound = jnp.all(_shares(rows)) & jnp.all(jnp.abs(jnp.sum(rows, axis=1) - 1) <= ROUNDING)
    sound &= jnp.all((labels >= 0) & (labels < rows.shape[1]))
    if is_concrete(sound) and not bool(sound):
        _refuse(np.asarray(rows), np.asarray(labels))
    chosen = jnp.argmax(rows, axis=1)
    confidence = jnp.max(rows, axis=1)
    right = (chosen.astype(labels.dtype) == labels).astype(confidence.dtype)
    place = jnp.clip((confidence * bins).astype(jnp.int32), 0, bins - 1)
    into = jax.nn.one_hot(place, bins, dtype=confidence.dtype)
    counts = jnp.sum(into, axis=0)
    most = jnp.maximum(counts, 1.0)
    found = (confidence @ into / most, right @ into / most, counts / confidence.shape[0])
    return Reliability(*(jnp.where(sound, leaf, jnp.nan) for leaf in found))


def _distributions(probabilities: Array) -> Float[Array, "rows classes"]:
    if (
        probabilities.ndim not in (1, 2)
        or 0 in probabilities.shape
        or not jnp.issubdtype(probabilities.dtype, jnp.floating)
    ):
        raise ValueError(
            "reliability: probabilities must be floating-point (rows, classes), or of two classes (rows,), got "
            f"{probabilities.dtype} {probabilities.shape}"
        )
    rows = probabilities[:, None] if probabilities.ndim == 1 else probabilities
    return jnp.concatenate([1 - rows, rows], axis=1) if rows.shape[1] == 1 else rows


def _classes(labels: Array, rows: int, classes: int) -> Int[Array, " rows"]:
    integers = jnp.issubdtype(labels.dtype, jnp.integer) or (labels.dtype == bool and classes == 2)
    if labels.shape != (rows,) or not integers:
        raise ValueError(
            f"reliability: labels must be ({rows},) integers, one for every row, got {labels.dtype} {labels.shape}; "
            "labels[:, 0] takes a column off, jnp.argmax(labels, axis=1) decodes indicators"
        )
    return labels.astype(jnp.int32)


def _shares(rows: Any) -> Any:
    return (rows >= 0) & (rows <= 1 + ROUNDING)


def _refuse(rows: np.ndarray, labels: np.ndarray) -> NoReturn:
    wrong = ~np.all(_shares(rows), axis=1) | ~(np.abs(rows.sum(axis=1) - 1) <= ROUNDING)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"reliability: probabilities must be within 0 to 1 and add up to 1, got {rows[row].tolist()} in row {row}; "
            "of logits take jax.nn.softmax first"
        )
    row = int(np.argmax((labels < 0) | (labels >= rows.shape[1])))
    raise ValueError(f"reliability: labels must be from 0 to {rows.shape[1] - 1}, got {labels[row]} in row {row}")
