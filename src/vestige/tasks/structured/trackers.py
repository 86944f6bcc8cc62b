"""What anyone would try first on detections of moving objects: trackers without anything learned."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from vestige.tasks.structured.bouncing_points import FASTEST, SLOWEST, reflected

NEVER_STILL = 1e-6  # variance that a prediction adds, so that gains never vanish


def nearest(frames: Float[Array, "time objects 2"]) -> Int[Array, "later objects"]:
    """Each track goes on with the detection that is nearest to its last one; several may take the same.

    **Arguments:**

    - `frames`: detections in sides of the box, those of the first frame in the order of the tracks.

    **Returns:** (time - 1, objects): the detection that each track takes, int32. O(time · objects²).
    """

    def on(last: Array, detections: Array) -> tuple[Array, Array]:
        taken = jnp.argmin(_squared(last, detections), axis=1).astype(jnp.int32)
        return detections[taken], taken

    return jax.lax.scan(on, frames[0], frames[1:])[1]


def constant_velocity(frames: Float[Array, "time objects 2"]) -> Int[Array, "later objects"]:
    """Each track is expected to move on as it did between its last two detections (in the second frame: not at all);
    detections are assigned with the least sum of squared distances, one to each track (the Hungarian algorithm).

    **Arguments:**

    - `frames`: as for `nearest`.

    **Returns:** as `nearest`. O(time · objects³).
    """

    def on(state: tuple[Array, Array], detections: Array) -> tuple[tuple[Array, Array], Array]:
        last, velocity = state
        taken = assigned(_squared(last + velocity, detections))
        now = detections[taken]
        return (now, now - last), taken

    return jax.lax.scan(on, (frames[0], jnp.zeros_like(frames[0])), frames[1:])[1]


def kalman(frames: Float[Array, "time objects 2"], noise: float) -> Int[Array, "later objects"]:
    """The tracker that is given the physics: a Kalman filter of constant velocity for each object, with the true noise
    and spread of speeds, its mean reflected at the walls; then the Hungarian algorithm as in `constant_velocity`.

    It is not the best possible: it decides on each frame once and for all.

    **Arguments:**

    - `frames`: as for `nearest`.
    - `noise`: standard deviation of a detected coordinate.

    **Returns:** as `nearest`. O(time · objects³).
    """
    moved = jnp.array([[1.0, 1.0], [0.0, 1.0]], frames.dtype)
    speeds = (SLOWEST**2 + SLOWEST * FASTEST + FASTEST**2) / 6  # variance of a coordinate of the velocity
    start = jnp.diag(jnp.array([noise**2, speeds], frames.dtype))  # the same for all: every object is seen every frame

    def on(state: tuple[Array, Array, Array], detections: Array) -> tuple[tuple[Array, Array, Array], Array]:
        place, velocity, covariance = state
        further = place + velocity
        inside = (further >= 0) & (further <= 1)
        place, velocity = reflected(further), jnp.where(inside, velocity, -velocity)
        covariance = moved @ covariance @ moved.T + NEVER_STILL * jnp.eye(2, dtype=frames.dtype)
        gain = covariance[:, 0] / (covariance[0, 0] + noise**2 + NEVER_STILL)
        taken = assigned(_squared(place, detections))
        off = detections[taken] - place
        covariance = covariance - gain[:, None] * covariance[None, 0]
        return (place + gain[0] * off, velocity + gain[1] * off, covariance), taken

    return jax.lax.scan(on, (frames[0], jnp.zeros_like(frames[0]), start), frames[1:])[1]


def assigned(costs: Float[Array, "tracks detections"]) -> Int[Array, " tracks"]:
    """The detection of each track in the assignment of least total cost, int32. O(tracks³).

    **Arguments:**

    - `costs`: square, finite.
    """
    tracks, detections = optax.assignment.hungarian_algorithm(costs)
    return jnp.zeros(costs.shape[0], jnp.int32).at[tracks].set(detections.astype(jnp.int32))


def _squared(tracks: Array, detections: Array) -> Array:
    return jnp.sum(jnp.square(tracks[:, None, :] - detections[None, :, :]), axis=-1)
