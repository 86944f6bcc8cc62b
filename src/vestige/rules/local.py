"""Temporally local rules, and the same with gradients through time."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.filters import AbstractFilter
from vestige.numerics import masked_mean
from vestige.rules.average import averaged, ema_model, parameters
from vestige.rules.clip import check_clip, clipped
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.objectives import AbstractStepObjective
from vestige.rules.slots import Slots, empty
from vestige.rules.targets import AbstractTarget, JointTarget
from vestige.typing import Batch, Key, PyTree


class LocalCarry(eqx.Module):
    """What goes from update to update: the sequences under way, `slots`, and the `slow` copy of the model that follows
    them, its parameters; None where there is none.
    """

    slots: Slots
    slow: PyTree | None


class TemporallyLocal(AbstractRule):
    """Fit a density of what is there at a step, and let no gradient cross time.

    | crosses a step | with gradient | without |
    |---|---|---|
    | the state x_{t-1} | no | yes |

    At every step the update is the gradient of `objective` of the density that `target` selects, at (x_{t-1}, y_t) as
    data; then x_t is made from them. Updates are made every `update_interval` steps with the average over these steps
    and over the sequences: 1 is the authors' own; a longer interval costs less per step and is the same to first order
    in the rate. A slot whose sequence has ended takes one of the batch. (Abdulsalam & Makin 2023; the notes' 3.0.)

    Storage: that of `update_interval` steps, whatever the length of the sequences. Missing observations are not learned
    from, nor are infinite ones, which leave the state as it is, too; the metric `infinite_values` counts them. Of a
    model that is `in_part` this is said of single values.

    **Arguments:**

    - `objective`: how a density is fitted, e.g. [`ContrastiveDivergence`][vestige.rules.ContrastiveDivergence].
    - `target`: [`JointTarget`][vestige.rules.JointTarget] or [`TransitionTarget`][vestige.rules.TransitionTarget].
    - `update_interval`: steps per update.
    - `slow`: decay per update of a slow copy of the model, which makes the states; None: the model makes them itself.
    - `clip`: bound on the gradient's global norm; None for none.

    **Raises:** `ValueError` for `update_interval` below 1 or `slow` outside [0, 1).
    """

    objective: AbstractStepObjective
    target: AbstractTarget = JointTarget()
    update_interval: int = eqx.field(static=True, default=1)
    slow: float | None = eqx.field(static=True, default=None)
    clip: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        _check("TemporallyLocal", "update_interval", self.update_interval, self.clip)
        if self.slow is not None and not 0 <= self.slow < 1:
            raise ValueError(f"TemporallyLocal: slow must be in [0, 1), got {self.slow}")

    def init(self, model: AbstractFilter, batch: Batch, *, key: Key) -> LocalCarry:
        return LocalCarry(empty(batch.inputs, model.init()), None if self.slow is None else parameters(model))

    def needs_batch(self, carry: LocalCarry) -> Bool[Array, ""]:
        return jnp.any(carry.slots.ended)

    def step(self, model: AbstractFilter, carry: LocalCarry, batch: Batch, *, key: Key) -> Step:
        slots = carry.slots.refilled(batch.inputs, model.init())
        observations = _next(slots, self.update_interval + self.target.ahead)
        maker = ema_model(carry.slow, model)
        learned = self.learn(model, slots.state, observations, maker=maker, skip_nonfinite=False, key=key)
        after = LocalCarry(
            Slots(slots.sequence, slots.offset + self.update_interval, learned.states),
            averaged(carry.slow, model, self.slow),
        )
        return Step(learned.grads, after, learned.metrics)

    def learn(
        self,
        model: AbstractFilter,
        states: Float[Array, "batch hidden"],
        observations: Float[Array, "batch upcoming observed"],
        *,
        maker: AbstractFilter | None = None,
        skip_nonfinite: bool = True,
        key: Key,
    ) -> "Learned":
        """What `step` does, for observations that are handed over as they come: nothing but states need be kept.

        An update that is not finite, because of one infinite observation for instance, is left out and counted:
        gradients are zeros, and a state that would not be finite stays as it was. (In `step` that is the matter of
        `fit`, which stops or counts.)

        **Arguments:**

        - `states`: x_{t-1}; at first `model.init()` of every sequence.
        - `observations`: y_t and those after it, `update_interval` and as many more as `target` looks ahead; one that
          is missing is NaN.
        - `maker`: of the states; by default the model.
        - `skip_nonfinite`: False passes on what came, finite or not.

        **Raises:** `ValueError` for fewer or more observations.
        """
        needed = self.update_interval + self.target.ahead
        if observations.shape[1] != needed:
            raise ValueError(
                f"TemporallyLocal.learn: observations must be {needed} steps, {self.update_interval} of an update and "
                f"{self.target.ahead} more that the target looks ahead, got {observations.shape[1]}; keep the last "
                f"{self.target.ahead} for the next call"
            )
        maker = model if maker is None else maker
        after, previous = jax.vmap(maker.unroll)(states, observations[:, : self.update_interval])
        weights, rest = eqx.partition(model, eqx.is_inexact_array)

        def loss(weights: PyTree) -> Float[Array, ""]:
            return -_ascent(eqx.combine(weights, rest), previous, observations, self.target, self.objective, key=key)

        value, grads = jax.value_and_grad(loss)(weights)
        grads, norm = clipped(grads, self.clip)
        infinite = jnp.sum(jnp.isinf(observations[:, : self.update_interval])).astype(value.dtype)
        metrics = {"loss": value, "grad_norm": norm, "infinite_values": infinite}
        found = Learned(grads, after, metrics, jnp.zeros((), jnp.int32))
        return _guarded(found, states) if skip_nonfinite else found


class Learned(NamedTuple):
    """What some observations taught."""

    grads: PyTree
    """For optax, shaped like the model's floating-point arrays."""
    states: Float[Array, "batch hidden"]
    """x after the last step."""
    metrics: dict[str, Float[Array, ""]]
    """`loss`, `grad_norm` and `infinite_values`."""
    skipped: Int[Array, ""]
    """1 where the update was left out because it was not finite; else 0."""


def _guarded(found: Learned, before: Float[Array, "batch hidden"]) -> Learned:
    """Without gradients and states that are not finite."""
    finite = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves((found.grads, found.metrics, found.states))]
    good = jnp.all(jnp.stack(finite))
    grads = jax.tree.map(lambda leaf: jnp.where(good, leaf, jnp.zeros_like(leaf)), found.grads)
    usable = jnp.all(jnp.isfinite(found.states), axis=-1, keepdims=True)
    states = jnp.where(usable, found.states, before)
    return Learned(grads, states, found.metrics, 1 - good.astype(jnp.int32))


class ThroughTime(AbstractRule):
    """The same fit with gradients through the last `bptt_length` states: what a temporally local rule does without.

    | crosses | with gradient | without |
    |---|---|---|
    | a step between two updates | yes | |
    | the border of `bptt_length` steps | no | the state |

    With [`TransitionTarget`][vestige.rules.TransitionTarget] and contrastive divergence it trains an RTRBM (Sutskever,
    Hinton & Taylor 2008), with [`JointTarget`][vestige.rules.JointTarget] an rEFH by BPTT (rmbish's rEFH-BPTT).

    Storage grows with `bptt_length`: one state per step, for the backward sweep.

    **Arguments:**

    - `objective`, `target`: as those of [`TemporallyLocal`][vestige.rules.TemporallyLocal].
    - `bptt_length`: steps per update, through which gradients go.
    - `clip`: bound on the gradient's global norm; None for none.

    **Raises:** `ValueError` for `bptt_length` below 1, or where `clip` is not positive.
    """

    objective: AbstractStepObjective
    target: AbstractTarget
    bptt_length: int = eqx.field(static=True, default=20)
    clip: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        _check("ThroughTime", "bptt_length", self.bptt_length, self.clip)

    def init(self, model: AbstractFilter, batch: Batch, *, key: Key) -> Slots:
        return empty(batch.inputs, model.init())

    def needs_batch(self, carry: Slots) -> Bool[Array, ""]:
        return jnp.any(carry.ended)

    def step(self, model: AbstractFilter, carry: Slots, batch: Batch, *, key: Key) -> Step:
        slots = carry.refilled(batch.inputs, model.init())
        observations = _next(slots, self.bptt_length + self.target.ahead)
        weights, rest = eqx.partition(model, eqx.is_inexact_array)

        def loss(weights: PyTree) -> tuple[Float[Array, ""], Any]:
            whole = eqx.combine(weights, rest)
            states, previous = jax.vmap(whole.unroll)(slots.state, observations[:, : self.bptt_length])
            return -_ascent(whole, previous, observations, self.target, self.objective, key=key), states

        (value, states), grads = jax.value_and_grad(loss, has_aux=True)(weights)
        grads, norm = clipped(grads, self.clip)
        after = Slots(slots.sequence, slots.offset + self.bptt_length, jax.lax.stop_gradient(states))
        infinite = jnp.sum(jnp.isinf(observations[:, : self.bptt_length])).astype(value.dtype)
        return Step(grads, after, {"loss": value, "grad_norm": norm, "infinite_values": infinite})


def _check(rule: str, name: str, steps: int, clip: float | None) -> None:
    if steps < 1:
        raise ValueError(f"{rule}: {name} must be at least 1, got {steps}")
    check_clip(rule, clip)


def _next(slots: Slots, steps: int) -> Float[Array, "batch steps observed"]:
    """The observations that come next in every slot; steps beyond a sequence's end are missing ones."""

    def one(sequence: Any, offset: Array) -> Array:
        window = sequence.window(offset, steps)
        return jnp.where(window.inside[:, None], window.inputs, jnp.nan)

    return jax.vmap(one)(slots.sequence, slots.offset)


def _ascent(
    model: AbstractFilter,
    previous: Float[Array, "batch steps hidden"],
    observations: Float[Array, "batch upcoming observed"],
    target: AbstractTarget,
    objective: AbstractStepObjective,
    *,
    key: Key,
) -> Float[Array, ""]:
    """The mean of what is to be maximised over the steps of which the observation is there; all steps at once."""
    count = previous.shape[1]
    upcoming = jnp.arange(count)[:, None] + jnp.arange(1 + target.ahead)[None]
    windows = observations[:, upcoming]
    finite = jnp.isfinite(windows[:, :, 0])
    there = jnp.any(finite, axis=-1) if model.in_part else jnp.all(finite, axis=-1)
    known = jnp.where(finite, windows[:, :, 0], jnp.nan)
    first = jnp.where(there[..., None], known, 0.0)
    windows = windows.at[:, :, 0].set(first)

    def one(previous: Array, window: Array, row: Array) -> Float[Array, ""]:
        density, value = target(model, previous, window)
        return objective(density, value, key=jax.random.fold_in(key, row))

    rows = jnp.arange(there.size).reshape(there.shape)
    return masked_mean(jax.vmap(jax.vmap(one))(previous, windows, rows), there)
