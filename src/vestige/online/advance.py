"""The compiled step of a stream: predict, be surprised, learn."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from vestige.models.filters import AbstractFilter
from vestige.models.filters.contract import replaced
from vestige.models.filters.recursion import AbstractRecursion
from vestige.rules import TemporallyLocal
from vestige.tasks.filtering.calibration import GAIN, LEAST
from vestige.training.optimisers import OptimiserSpec
from vestige.typing import Key, PyTree

BLOCK = 256
"""Rows under one call, filled up: one program for one row and for many."""
EXPLODED = 1000.0
"""A gradient is not followed whose norm is so many times the usual one."""
TAKEN, NOT_FINITE, TOO_LARGE = 0, 1, 2
USUAL_MEMORY = 0.99
"""Share of the usual norm of a gradient that an update keeps."""


class Plan(NamedTuple):
    """What does not change as a stream goes on."""

    rule: TemporallyLocal
    optimiser: OptimiserSpec
    interval: float
    """The share of values that intervals are to cover."""

    @property
    def window(self) -> int:
        """Rows of an update, those that are looked ahead at among them."""
        return self.rule.update_interval + self.rule.target.ahead


class StreamState(eqx.Module):
    """All that is carried from row to row. Values are scaled."""

    model: AbstractFilter
    optimiser: PyTree
    recursion: AbstractRecursion | None
    front: Float[Array, " hidden"]
    """The state after the last row, from which the next is predicted."""
    back: Float[Array, " hidden"]
    """The state before the rows that are delayed."""
    delayed: Float[Array, "window observed"]
    """Rows that are not learned from yet, the first `waiting` of them."""
    waiting: Int[Array, ""]
    widths: Float[Array, " observed"]
    """Half the width of the interval of the next row."""
    usual: Float[Array, ""]
    """Of the norm of a gradient; 0 before the first."""
    rows: UInt32[Array, ""]
    """How many there were."""


class Learned(NamedTuple):
    """What is said of each row; what was predicted before it was seen."""

    mean: Float[Array, "rows observed"]
    width: Float[Array, "rows observed"]
    surprise: Float[Array, " rows"]
    """In nats of the scaled values; means nothing where none is there."""
    refused: Int[Array, " rows"]
    """Why an update was left out: TAKEN, NOT_FINITE or TOO_LARGE."""


def begun(model: AbstractFilter, recursion: AbstractRecursion | None, plan: Plan) -> StreamState:
    """The state before the first row.

    **Arguments:**

    - `model`: to be trained.
    - `recursion`: of what is fitted in closed form; None: nothing.
    - `plan`: what does not change.
    """
    observed = model.reconstruct(model.init()).shape[0]
    state = model.init()
    return StreamState(
        model=model,
        optimiser=_transformation(plan).init(eqx.filter(model, eqx.is_inexact_array)),
        recursion=recursion,
        front=state,
        back=state,
        delayed=jnp.full((plan.window, observed), jnp.nan),
        waiting=jnp.zeros((), jnp.int32),
        widths=jnp.ones(observed),
        usual=jnp.zeros(()),
        rows=jnp.zeros((), jnp.uint32),
    )


@eqx.filter_jit
def advance(
    plan: Plan,
    state: StreamState,
    rows: Float[Array, "block observed"],
    count: Int[Array, ""],
    learning: Bool[Array, ""],
    key: Key,
) -> tuple[StreamState, Learned]:
    """Go through the first `count` of some rows.

    One program for every number of them; no row costs more than any other but for the updates, one in every
    `update_interval` rows.

    **Arguments:**

    - `plan`: what does not change.
    - `state`: before the rows.
    - `rows`: (BLOCK, observed) float32, scaled; NaN where missing.
    - `count`: how many there are; the others are filling.
    - `learning`: whether anything is learned from them.
    - `key`: of the stream; the row's number is folded in.

    **Returns:** the state after them, and what is said of each; that of the filling means nothing.
    """
    size, observed = rows.shape
    blank = Learned(
        jnp.zeros((size, observed)), jnp.zeros((size, observed)), jnp.zeros(size), jnp.zeros(size, jnp.int32)
    )
    arrays, static = eqx.partition(state, eqx.is_array)

    def body(loop: tuple[Array, PyTree, Learned]) -> tuple[Array, PyTree, Learned]:
        place, arrays, said = loop
        after, row = _step(plan, eqx.combine(arrays, static), rows[place], learning, key)
        said = jax.tree.map(lambda all_, one: all_.at[place].set(one), said, row)
        return place + 1, eqx.filter(after, eqx.is_array), said

    start = jnp.zeros((), jnp.int32)
    _, arrays, said = jax.lax.while_loop(lambda loop: loop[0] < count, body, (start, arrays, blank))
    return eqx.combine(arrays, static), said


@eqx.filter_jit
def expected(state: StreamState, key: Key) -> Float[Array, " observed"]:
    """E of the next row, scaled: what `advance` says of it when it has come.

    **Arguments:**

    - `state`: after the last row.
    - `key`: of the stream.
    """
    return state.model.predict(state.front, key=_keys(state, key)[0])


def _step(
    plan: Plan, state: StreamState, row: Array, learning: Bool[Array, ""], key: Key
) -> tuple[StreamState, Learned]:
    key_mean, key_surprise, key_rule = _keys(state, key)
    finite = jnp.isfinite(row)
    there = finite if state.model.in_part else jnp.broadcast_to(jnp.all(finite), finite.shape)
    row = jnp.where(there, row, jnp.nan)
    seen = row if state.model.in_part else jnp.where(there, row, 0.0)
    mean = state.model.predict(state.front, key=key_mean)
    surprise = -state.model.log_predictive(state.front, seen, key=key_surprise)
    said = Learned(mean, state.widths, surprise, jnp.zeros((), jnp.int32))
    front = state.model.filter(state.front, row)
    front = jnp.where(jnp.all(jnp.isfinite(front)), front, state.front)
    passed = replaced(state, front=front, widths=_followed(plan, state.widths, row - mean), rows=state.rows + 1)

    def taught() -> tuple[PyTree, Array]:
        after, refused = _taught(plan, passed, state.front, row, key_rule)
        return eqx.filter(after, eqx.is_array), refused

    kept = eqx.filter(passed, eqx.is_array)
    arrays, refused = jax.lax.cond(learning, taught, lambda: (kept, jnp.zeros((), jnp.int32)))
    after = eqx.combine(arrays, eqx.filter(passed, eqx.is_array, inverse=True))
    return after, said._replace(refused=refused)


def _taught(plan: Plan, state: StreamState, before: Array, row: Array, key: Key) -> tuple[StreamState, Array]:
    """With the row among those that are delayed, and an update where there are enough of them."""
    if state.recursion is not None:
        model, recursion = state.recursion.after(state.model, before, row)
        sound = _finite((model, recursion))
        keep = lambda new, old: jax.tree.map(lambda n, o: jnp.where(sound, n, o) if eqx.is_array(n) else n, new, old)
        state = replaced(state, model=keep(model, state.model), recursion=keep(recursion, state.recursion))
    state = replaced(state, delayed=state.delayed.at[state.waiting].set(row), waiting=state.waiting + 1)

    def updated() -> tuple[PyTree, Array]:
        after, refused = _updated(plan, state, key)
        return eqx.filter(after, eqx.is_array), refused

    kept = eqx.filter(state, eqx.is_array)
    due = state.waiting == plan.window
    arrays, refused = jax.lax.cond(due, updated, lambda: (kept, jnp.zeros((), jnp.int32)))
    return eqx.combine(arrays, eqx.filter(state, eqx.is_array, inverse=True)), refused


def _updated(plan: Plan, state: StreamState, key: Key) -> tuple[StreamState, Array]:
    interval = plan.rule.update_interval
    learned = plan.rule.learn(state.model, state.back[None], state.delayed[None], key=key)
    parameters, rest = eqx.partition(state.model, eqx.is_inexact_array)
    changes, optimiser = _transformation(plan).update(learned.grads, state.optimiser, parameters)
    changed = eqx.apply_updates(parameters, changes)
    norm = learned.metrics["grad_norm"]
    sound = (learned.skipped == 0) & _finite((changed, optimiser))
    small = (state.usual == 0) | (norm <= EXPLODED * state.usual)
    taken = sound & small
    keep = lambda new, old: jax.tree.map(lambda n, o: jnp.where(taken, n, o) if eqx.is_array(n) else n, new, old)
    bounded = jnp.where(state.usual == 0, norm, jnp.minimum(norm, EXPLODED * state.usual))
    usual = jnp.where(state.usual == 0, bounded, USUAL_MEMORY * state.usual + (1 - USUAL_MEMORY) * bounded)
    after = replaced(
        state,
        model=eqx.combine(keep(changed, parameters), rest),
        optimiser=keep(optimiser, state.optimiser),
        back=learned.states[0],
        delayed=jnp.roll(state.delayed, -interval, axis=0),
        waiting=state.waiting - interval,
        usual=jnp.where(sound, usual, state.usual),
    )
    return after, jnp.where(sound, jnp.where(small, TAKEN, TOO_LARGE), NOT_FINITE).astype(jnp.int32)


def _followed(plan: Plan, widths: Array, error: Array) -> Array:
    """As `Widths` does, which is for tables: a width grows where it was missed."""
    missed = jnp.where(jnp.abs(error) <= widths, plan.interval - 1, plan.interval)
    changed = widths * jnp.exp(GAIN * missed)
    return jnp.where(jnp.isfinite(error), jnp.maximum(changed, LEAST), widths)


def _transformation(plan: Plan) -> Any:
    return plan.optimiser.build(1, task=None, rule=None)


def _keys(state: StreamState, key: Key) -> Key:
    return jax.random.split(jax.random.fold_in(key, state.rows), 3)


def _finite(tree: PyTree) -> Bool[Array, ""]:
    leaves = jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array))
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
