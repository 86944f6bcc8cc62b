"""How well the next frame is predicted, and by whom without a memory."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.tasks.filtering.readout import Readout, ridge
from vestige.tasks.filtering.recordings import Stretches


def frame_errors(
    predicted: Float[Array, "time p"],
    frames: Float[Array, "time p"],
    inside: Bool[Array, " time"],
    *,
    in_part: bool = False,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Summed squared error of frames 2, 3, …, and how many there are.

    `predicted[t]` is what was said of frame t + 1 after frame t. A frame that is missing, or beyond the end, counts for
    nothing.

    **Arguments:**

    - `predicted`, `frames`: (time, p).
    - `inside`: (time,), bool.
    - `in_part`: whether a frame may be missing in some of its values: then the others count, and p of them for a frame.
    """
    if in_part:
        known = inside[1:, None] & ~jnp.isnan(frames[1:])
        errors = jnp.where(known, predicted[:-1] - frames[1:], 0.0)
        return jnp.sum(jnp.square(errors)), jnp.sum(known).astype(predicted.dtype) / frames.shape[1]
    there = inside[1:] & ~jnp.any(jnp.isnan(frames[1:]), axis=1)
    errors = jnp.where(there[:, None], predicted[:-1] - frames[1:], 0.0)
    return jnp.sum(jnp.square(errors)), jnp.sum(there).astype(predicted.dtype)


def repeated(frames: Float[Array, "time p"], *, in_part: bool = False) -> Float[Array, "time p"]:
    """The next frame is as the last that was seen; all zeros before any was.

    **Arguments:**

    - `frames`: (time, p); what is missing is NaN.
    - `in_part`: whether each value is that which was seen of it last.
    """
    if in_part:
        places = jnp.where(jnp.isnan(frames), -1, jnp.arange(frames.shape[0])[:, None])
        found = jax.lax.cummax(places, axis=0)
        return jnp.where(found >= 0, jnp.take_along_axis(frames, jnp.maximum(found, 0), axis=0), 0.0)
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
    recordings: Stretches,
    of: Callable[[Float[Array, "time seen"]], Float[Array, "time p"]] = lambda seen: seen,
    *,
    in_part: bool = False,
) -> Readout:
    """Linear regression from what is seen at a step to what is seen at the next.

    **Arguments:**

    - `recordings`: to be fitted on.
    - `of`: of what is seen, what is predicted.
    - `in_part`: whether single values may be missing: then each is regressed on what was seen last of every other, over
      the steps where it is there. A regression for each value, one after the other.
    """
    seen = recordings.frames.astype(jnp.float32)
    before, after = seen[:-1], of(seen[1:])
    first = jnp.zeros(before.shape[0], bool).at[recordings.starts[1:] - 1].set(True)
    if in_part:
        return _each_regressed(recordings, before, after, first)
    gap = jnp.any(jnp.isnan(before), axis=1) | jnp.any(jnp.isnan(after), axis=1)
    return ridge(before, after, weights=jnp.where(first | gap, 0.0, 1.0))


def _each_regressed(
    recordings: Stretches, before: Float[Array, "n seen"], after: Float[Array, "n p"], first: Bool[Array, " n"]
) -> Readout:
    """A regression for each value, from what was seen last in the same recording."""
    steps = jnp.arange(before.shape[0])
    begin = recordings.starts[jnp.searchsorted(recordings.starts, steps, side="right") - 1]
    last = jax.lax.cummax(jnp.where(jnp.isnan(before), -1, steps[:, None]), axis=0)
    known = last >= begin[:, None]
    filled = jnp.where(known, jnp.take_along_axis(before, jnp.maximum(last, 0), axis=0), 0.0)
    usable = ~first & jnp.any(known, axis=1)

    def one(target: Float[Array, " n"]) -> Readout:
        there = usable & ~jnp.isnan(target)
        return ridge(filled, jnp.nan_to_num(target)[:, None], weights=jnp.where(there, 1.0, 0.0))

    each = jax.lax.map(one, after.T)
    # centres and scales differ from value to value, as their steps do: one affine map of what is seen
    scale = jnp.where(jnp.isfinite(each.scale), each.scale, 1.0)
    weights = jnp.where(jnp.isfinite(each.scale)[:, :, None], each.weights / scale[:, :, None], 0.0)[:, :, 0]
    offset = each.offset[:, 0] - jnp.sum(each.centre * weights, axis=1)
    width = before.shape[1]
    return Readout(jnp.zeros(width), jnp.ones(width), weights.T, offset)
