"""What may have stood where values are missing: a particle filter that keeps its samples for some further steps."""

from typing import NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt

from vestige.tasks.filtering.step_reader import Carried, StepReader
from vestige.typing import Key


@runtime_checkable
class CompletesSteps(Protocol):
    """A filter that draws the missing values of a step given the others."""

    def completed(
        self, state: Array, observation: Float[Array, " p"], /, *, key: Key
    ) -> tuple[Float[Array, " p"], Float[Array, ""]]:
        """A weighted sample of y_t given the values of it that are there.

        **Arguments:**

        - `state`: x_{t-1}.
        - `observation`: (p,), y_t, NaN where missing.
        - `key`: of the sample.

        **Returns:** y_t, what is there as it is; and the logarithm of a weight w, for which the mean of w f(y_t) is
        q(what is there | x_{t-1}) times the mean of f(y_t) given what is there and x_{t-1}.
        """
        ...


class Particles(NamedTuple):
    """Samples of what has been missing so far, each with the state that goes with it."""

    carried: Carried
    """Of each particle."""
    kept: Float[Array, "particles kept p"]
    """Its last frames, `1 + lag` of them, the oldest first."""
    log_weights: Float[Array, " particles"]


def start(reader: StepReader, particles: int, lag: int, width: int) -> Particles:
    """Before the first step.

    **Arguments:**

    - `reader`: of the model.
    - `particles`: how many.
    - `lag`: for how many further steps a sample is kept.
    - `width`: values of a frame.
    """
    each = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (particles, *leaf.shape)), reader.start())
    return Particles(each, jnp.zeros((particles, 1 + lag, width)), jnp.zeros(particles))


class Smoothed(NamedTuple):
    """Of each step that was read, the frame of `lag` steps before."""

    frames: Float[Array, "time particles p"]
    weights: Float[Array, "time particles"]
    """Of the particles, sums of 1."""


@eqx.filter_jit
def smoothed_steps(
    reader: StepReader,
    particles: Particles,
    frames: Float[Array, "time p"],
    resets: Bool[Array, " time"],
    start: UInt[Array, ""],
    count: UInt[Array, ""],
    key: Key,
) -> tuple[Particles, Smoothed]:
    """Read a chunk of steps. One scan; at each step the particles are drawn, weighted by how probable they make what is
    there, and, where few of them carry most of the weight, drawn anew with what they have kept (systematic resampling).

    A sample of step t is read out `lag` steps later: given all that is there up to then (fixed-lag smoothing; Kitagawa
    1996).

    **Arguments:**

    - `reader`: of a model that has `completed`.
    - `particles`: from the chunk before, or `start`.
    - `frames`: (time, p) float32, in units of the training; NaN where missing.
    - `resets`: (time,), where a recording begins.
    - `start`: the number of the first step, uint32.
    - `count`: how many steps are read; those beyond, with which the chunk is filled up, change nothing.
    - `key`: of the samples; step n uses `fold_in(key, n)`.

    **Returns:** the particles, and the samples that are read out.
    """
    model, featurizer = reader.model, reader.featurizer
    size = particles.log_weights.shape[0]

    def one(carried: Carried, frame: Array, key: Key) -> tuple[Carried, Array, Array]:
        last = featurizer.bare(carried.last[None])
        seen = jnp.where(carried.begun, featurizer.following(last, frame[None]), featurizer.first(frame[None]))[0]
        drawn, weight = model.completed(carried.state, seen, key=key)  # pyright: ignore[reportAttributeAccessIssue]
        drawn = drawn[None].astype(last.dtype)
        ahead = jnp.where(carried.begun, featurizer.next_frame(last, drawn), featurizer.bare(drawn))[0]
        full = jnp.where(jnp.isnan(frame), ahead, frame)
        features = jnp.where(carried.begun, featurizer.following(last, full[None]), featurizer.first(full[None]))[
            0
        ].astype(carried.last.dtype)
        return reader.after(carried, features), full, weight

    def step(now: Particles, item: tuple[Array, Array, Array]) -> tuple[Particles, Smoothed]:
        frame, reset, place = item
        key_draw, key_resample = jax.random.split(jax.random.fold_in(key, start + place))
        before = jax.vmap(lambda carried: reader.before(carried, reset))(now.carried)
        keys = jax.random.split(key_draw, size)
        carried, full, weights = jax.vmap(one, in_axes=(0, None, 0))(before, frame, keys)
        logs = jax.nn.log_softmax(
            now.log_weights + jnp.where(jnp.isnan(weights), -jnp.inf, weights).astype(jnp.float32)
        )
        logs = jnp.where(jnp.any(jnp.isfinite(logs)), logs, jnp.zeros_like(logs))
        kept = jnp.concatenate([now.kept[:, 1:], full[:, None]], axis=1)
        alive = Particles(carried, kept, logs)
        share = jax.nn.softmax(logs)
        few = 1 / jnp.sum(jnp.square(share)) < size / 2
        chosen = _systematic(share, key_resample)
        pick = lambda leaves: jax.tree.map(lambda leaf: leaf[chosen], leaves)
        anew = Particles(pick(carried), pick(kept), jnp.zeros_like(logs))
        after = jax.tree.map(lambda new, old: jnp.where(few, new, old), anew, alive)
        after = jax.tree.map(lambda new, old: jnp.where(place < count, new, old), after, now)
        return after, Smoothed(after.kept[:, 0], jax.nn.softmax(after.log_weights))

    places = jnp.arange(frames.shape[0], dtype=jnp.uint32)
    return jax.lax.scan(step, particles, (frames, resets, places))


def _systematic(share: Float[Array, " particles"], key: Key) -> Int[Array, " particles"]:
    """Which particles go on: each about as often as its share says."""
    count = share.shape[0]
    points = (jnp.arange(count, dtype=share.dtype) + jax.random.uniform(key)) / count
    return jnp.minimum(jnp.searchsorted(jnp.cumsum(share), points), count - 1)
