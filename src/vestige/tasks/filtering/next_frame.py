"""How well the next frame is predicted, and by whom without a memory."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.tasks.filtering.readout import Readout, ridge
from vestige.tasks.filtering.recordings import Stretches


def frame_errors(
    predicted: Float[Array, "time p"], frames: Float[Array, "time p"], inside: Bool[Array, " time"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Summed squared error of frames 2, 3, …, and how many there are.

    `predicted[t]` is what was said of frame t + 1 after frame t. A frame that is missing, or beyond the end, counts for
    nothing.

    **Arguments:**

    - `predicted`, `frames`: (time, p).
    - `inside`: (time,), bool.
    """
    there = inside[1:] & ~jnp.any(jnp.isnan(frames[1:]), axis=1)
    errors = jnp.where(there[:, None], predicted[:-1] - frames[1:], 0.0)
    return jnp.sum(jnp.square(errors)), jnp.sum(there).astype(predicted.dtype)


def repeated(frames: Float[Array, "time p"]) -> Float[Array, "time p"]:
    """The next frame is as the last that was seen; all zeros before any was."""
    seen = ~jnp.any(jnp.isnan(frames), axis=1)
    last = jax.lax.cummax(jnp.where(seen, jnp.arange(frames.shape[0]), -1))
    return jnp.where((last >= 0)[:, None], frames[jnp.maximum(last, 0)], 0.0)


def extrapolated(frames: Float[Array, "time p"], low: float, high: float) -> Float[Array, "time p"]:
    """The next frame is as far from this one as this one is from the last, within `low`..`high`; after the first of
    the `frames`, the same as that one.
    """
    moved = jnp.concatenate([frames[:1], 2 * frames[1:] - frames[:-1]])
    return jnp.clip(moved, low, high)


def mean_per_frame(sums: Mapping[str, tuple[Array, Array]]) -> dict[str, Float[Array, ""]]:
    """From sums and counts per sequence, the mean over all frames of all sequences."""
    return {name: jnp.sum(total) / jnp.sum(count) for name, (total, count) in sums.items()}


def next_regression(
    recordings: Stretches, of: Callable[[Float[Array, "time seen"]], Float[Array, "time p"]] = lambda seen: seen
) -> Readout:
    """Linear regression from what is seen at a step to `of` what is seen at the next of the same recording of
    `recordings`.
    """
    seen = recordings.frames.astype(jnp.float32)
    before, after = seen[:-1], of(seen[1:])
    first = jnp.zeros(before.shape[0], bool).at[recordings.starts[1:] - 1].set(True)
    gap = jnp.any(jnp.isnan(before), axis=1) | jnp.any(jnp.isnan(after), axis=1)
    return ridge(before, after, weights=jnp.where(first | gap, 0.0, 1.0))
