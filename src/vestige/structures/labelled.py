"""Labels on the parts of a structure: typed arcs, edges, pairs or items, one label for each that is chosen."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.numerics import logsumexp
from vestige.structures.arborescence import Arborescence
from vestige.structures.contract import AbstractStructure, LogRates, checked_rates
from vestige.structures.recursion import AbstractRecursion
from vestige.structures.spanning_tree import SpanningTree
from vestige.structures.traces import AbstractTrace


class LabelledRaces(AbstractRecursion):
    """The races of `inner`, each of whose keys arrives with the first of its `labels`. Keys: key of `inner` * labels +
    label."""

    def __init__(self, inner: AbstractRecursion, labels: int):
        self.inner, self.labels = inner, labels

    def start(self) -> Any:
        return self.inner.start()

    def split(self, state: Any) -> Mapping[int, frozenset[int]]:
        sets = self.inner.split(state)
        return {
            step: frozenset(key * self.labels + label for key in keys for label in range(self.labels))
            for step, keys in sets.items()
        }

    def advance(self, state: Any, winners: Mapping[int, int]) -> Any:
        return self.inner.advance(state, {step: key // self.labels for step, key in winners.items()})


class LabelledTrace(AbstractTrace):
    """The trace of a structure, with the label of every winner, one of so many `labels`.

    `winners` as in `AbstractTrace`.
    """

    winners: Int[Array, " steps"]
    inner: AbstractTrace
    """The same trace without labels."""
    labels: int = eqx.field(static=True)

    def log_totals(self, log_rates: Float[Array, "*keys"]) -> Float[Array, " steps"]:
        return self.inner.log_totals(logsumexp(log_rates, -1))

    def log_elapsed(self, log_minima: Float[Array, " steps"]) -> Float[Array, "*keys"]:
        elapsed = self.inner.log_elapsed(log_minima)
        return jnp.broadcast_to(elapsed[..., None], (*elapsed.shape, self.labels))


class Labelled(AbstractStructure[LabelledTrace]):
    """A structure whose parts carry labels: p(X, labels) = p(X) Π p(label | part), over the parts of X.

    Each part and label has an arrival time of its own, and a part arrives with its first label: of independent
    exponentials the first is independent of the time it comes at, so that structure and labels are independent. Hence
    a race with labels is a race, and traces, arrival times given the trace and all estimators are exact.

    The value is (…, labels): 1 for a part and its label. With a free root of an `Arborescence` the root's own label is
    on the diagonal. Time and memory are those of the structure, and O(keys · labels).

    The most probable value has not the most probable structure: `best_values` lists small ones, and `GibbsLabelled` has
    it for trees of any size.

    **Arguments:**

    - `structure`: one whose value has an entry for each key: `Arborescence`, `SpanningTree`, `Matching`, `Subset`,
        `Categorical` or `Choices`. Its law is kept.
    - `log_labels`: of the shape of its log-rates, and an axis of labels: logits of the label of each part, up to a
        constant for each; -inf for an impossible label. A part without a possible label is impossible. For undirected
        edges what is above the diagonal is read.

    **Raises:** `ValueError` for another shape; `TypeError` for other structures; for NaN and +inf as the structure.
    """

    rates: LogRates
    mask: Bool[Array, "..."] | None
    template: AbstractStructure
    """Size, options and mask of the structure; its log-rates are not looked at."""

    def __init__(self, structure: AbstractStructure, log_labels: Float[Array, "*keys labels"]):
        name, keys = type(structure).__name__, structure.log_rates.shape
        shape = jax.eval_shape(lambda one: one.value(one.run(one.log_rates)), structure).shape
        if shape != keys:
            raise TypeError(
                f"Labelled: the value of {name} has no entry for each key, so that there is nothing to label"
            )
        if log_labels.shape[:-1] != keys or log_labels.shape[-1:] in ((), (0,)):
            raise ValueError(
                f"Labelled: log_labels must have the shape {keys} of the log-rates of the {name} and an axis of "
                f"labels, got {log_labels.shape}"
            )
        self.rates = LogRates(checked_rates(labelled_rates(structure.log_rates, log_labels), "Labelled"))
        self.mask = structure.mask
        self.template = structure

    @property
    def labels(self) -> int:
        """How many there are."""
        return self.log_rates.shape[-1]

    @property
    def structure(self) -> AbstractStructure:
        """The structure without labels."""
        return self.template.with_log_rates(logsumexp(self.log_rates, -1))

    @property
    def log_shares(self) -> Float[Array, "*keys labels"]:
        """log p(label | part); -inf for what is impossible."""
        total = logsumexp(self.log_rates, -1)[..., None]
        there = self.log_rates > -jnp.inf
        return jnp.where(
            there, jnp.where(there, self.log_rates, 0.0) - jnp.where(total > -jnp.inf, total, 0.0), -jnp.inf
        )

    @property
    def listed_as_run(self) -> bool:
        return self.template.listed_as_run

    def run(self, log_times: Float[Array, "*keys labels"]) -> LabelledTrace:
        inner = self.structure.run(jnp.min(log_times, axis=-1))
        return self.with_labels(inner, jnp.argmin(log_times, axis=-1))

    def with_labels(self, inner: AbstractTrace, label: Int[Array, "*keys"]) -> LabelledTrace:
        """A trace of the structure, its winners labelled.

        **Arguments:**

        - `inner`: a trace of `structure`.
        - `label`: of every key, should it win.

        **Returns:** the trace.
        """
        won = inner.winners >= 0
        label = label.reshape(-1).astype(jnp.int32)[jnp.where(won, inner.winners, 0)]
        return LabelledTrace(jnp.where(won, inner.winners * self.labels + label, inner.winners), inner, self.labels)

    def value(self, trace: LabelledTrace) -> Float[Array, "*keys labels"]:
        size, keys = self.log_rates.size // self.labels, self.log_rates.shape[:-1]
        won = trace.winners >= 0
        place = jnp.where(won, trace.winners // self.labels, size)
        label = jnp.zeros(size, jnp.int32).at[place].set(jnp.where(won, trace.winners % self.labels, 0), mode="drop")
        label = label.reshape(keys)
        if isinstance(self.template, SpanningTree):
            label = jnp.maximum(label, label.T)
        parts = with_root(self.structure, self.structure.value(trace.inner))
        return parts[..., None] * jax.nn.one_hot(label, self.labels, dtype=parts.dtype)

    def complete(self, trace: LabelledTrace) -> Bool[Array, ""]:
        return self.structure.complete(trace.inner)

    def replay(self, winners: Int[Array, " steps"]) -> LabelledTrace:
        flat = self.log_rates.reshape(-1, self.labels)
        known = (winners >= 0) & (winners < flat.size)
        inner = self.structure.replay(jnp.where(known, winners // self.labels, winners).astype(jnp.int32))
        here = jnp.where(inner.winners >= 0, inner.winners, 0)
        given = jnp.where(known, winners % self.labels, 0).astype(jnp.int32)
        possible = jnp.take_along_axis(flat[here], given[:, None], axis=1)[:, 0] > -jnp.inf
        label = jnp.where(possible, given, jnp.argmax(flat[here], axis=1).astype(jnp.int32))
        won = jnp.where(inner.winners >= 0, inner.winners * self.labels + label, inner.winners)
        return LabelledTrace(won, inner, self.labels)

    def recursion(self) -> LabelledRaces:
        return LabelledRaces(self.template.recursion(), self.labels)

    @property
    def incomplete(self) -> str:
        return f"Labelled: {self.template.incomplete}"


def labelled_rates(
    log_rates: Float[Array, "*keys"], log_labels: Float[Array, "*keys labels"]
) -> Float[Array, "*keys labels"]:
    """The log-rates of parts and labels whose totals over the labels are `log_rates`; `log_labels` need not be
    normalised, and are not read where a part is impossible."""
    there = (log_rates != -jnp.inf)[..., None]
    labels = jnp.where(there, log_labels.astype(log_rates.dtype), -jnp.inf)
    total = logsumexp(labels, -1)[..., None]
    shares = labels - jnp.where(total > -jnp.inf, total, 0.0)
    return jnp.where(there & (shares != -jnp.inf), jnp.where(there, log_rates[..., None], 0.0) + shares, -jnp.inf)


def with_root(structure: AbstractStructure, value: Float[Array, "*keys"]) -> Float[Array, "*keys"]:
    """A `value` of a `structure`, or marginals, with the root of an arborescence with a free root on the diagonal."""
    if not isinstance(structure, Arborescence) or structure.root is not None:
        return value
    present = jnp.ones(value.shape[0], bool) if structure.mask is None else structure.mask
    return value + jnp.diag(jnp.where(present, 1.0 - jnp.sum(value, axis=0), 0.0).astype(value.dtype))


def without_root(structure: AbstractStructure, parts: Float[Array, "*keys"]) -> Float[Array, "*keys"]:
    """`parts` of a value of a `structure`, as `with_root` has made them, without the root."""
    if not isinstance(structure, Arborescence) or structure.root is not None:
        return parts
    return jnp.where(jnp.eye(parts.shape[0], dtype=bool), 0.0, parts)
