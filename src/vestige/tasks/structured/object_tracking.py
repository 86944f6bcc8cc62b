"""Who is who among moving objects, from unordered detections."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.models.structured import OneToOne, TrackingModel
from vestige.numerics import batched_map
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate_many, scalars
from vestige.tasks.structured.bouncing_points import drawn_detections
from vestige.tasks.structured.trackers import assigned, constant_velocity, kalman, nearest
from vestige.typing import Batch, Key, Metrics

MOST_OBJECTS = 12
AT_ONCE = 64
REPEATS = 4  # evaluations behind the final metrics
PICTURED = 3  # sequences on the page


class ObjectTracking(AbstractTask):
    """`objects` points bounce in the unit square for `length` frames. A frame is the set of their noisy places, in a
    random order; in the first the order is that of the tracks. Which detection is of which object, in `targets`, is for
    evaluation alone.

    Metrics on held-out sequences, of the frames after the first:

    - `identity_accuracy`: the share of detections that are given to the right track, when tracks are followed by the
        likeliest association of each frame (with softmax weights where nothing is latent).
    - `identity_accuracy_last`: the same at the last frame.
    - `identity_accuracy_assigned`: as the first, when tracks are followed by the one-to-one assignment of the highest
        total score, whatever the model was trained with.
    - `detection_bound`: the negative evidence bound of one draw by detection, nats; of matchings the probability of the
        matching counts, not that of its trace.
    - `detection_bound_matched`: the same for the same networks when a matching is their latent, whatever the model was
        trained with.
    - baselines, by the same measure: `identity_nearest`, `identity_hungarian` (constant velocity and the Hungarian
        algorithm), `identity_kalman` (the same with a Kalman filter that is given noise, speeds and walls), and the
        last frame's `identity_hungarian_last`, `identity_kalman_last`.

    **Arguments:**

    - `objects`, `length`: at least 2, static; at most 12 objects, since evaluation sums over 2^n sets.
    - `noise`: standard deviation of a detected coordinate, in sides of the box, above 0, static.
    """

    objects: int = eqx.field(static=True, default=4)
    length: int = eqx.field(static=True, default=20)
    noise: float = eqx.field(static=True, default=0.02)

    def __check_init__(self):
        if self.objects < 2:
            raise ValueError(f"ObjectTracking: objects must be at least 2, or none can be confused, got {self.objects}")
        if self.objects > MOST_OBJECTS:
            raise ValueError(
                f"ObjectTracking: objects must be at most {MOST_OBJECTS}, since the probability of a matching is a sum "
                f"over 2^n sets, got {self.objects}"
            )
        if self.length < 2:
            raise ValueError(f"ObjectTracking: length must be at least 2, since frame 0 is given, got {self.length}")
        if not self.noise > 0:
            raise ValueError(f"ObjectTracking: noise must be positive, got {self.noise}")

    def batch(self, *, size: int, key: Key) -> Batch:
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(size))
        return Batch(*jax.vmap(lambda key: drawn_detections(self.objects, self.length, self.noise, key=key))(keys))

    def evaluate(self, model: TrackingModel, *, size: int, key: Key) -> Metrics:
        key_rows, key_draws = jax.random.split(key)
        rows = self.batch(size=size, key=key_rows)
        matched = TrackingModel(model.dynamics, model.scorer, OneToOne("value"))
        bounded = matched if isinstance(model.association, OneToOne) else model

        def one(row: tuple[Batch, Key]) -> Metrics:
            (frames, objects), key = (row[0].inputs, row[0].targets), row[1]
            assert objects is not None
            own = _right_names(model.follow(frames).weights, objects)
            best = _right_names(model.follow(frames, best_assignment).weights, objects)
            followers = {
                "nearest": nearest(frames),
                "hungarian": constant_velocity(frames),
                "kalman": kalman(frames, self.noise),
            }
            right = {name: right_tracks(taken, objects) for name, taken in followers.items()}
            return {
                "identity_accuracy": jnp.mean(own),
                "identity_accuracy_last": own[-1],
                "identity_accuracy_assigned": jnp.mean(best),
                "detection_bound": jnp.mean(bounded.sample(frames, key=key).cost) / self.objects,
                "detection_bound_matched": jnp.mean(matched.sample(frames, key=key).cost) / self.objects,
                **{f"identity_{name}": jnp.mean(each) for name, each in right.items()},
                **{f"identity_{name}_last": right[name][-1] for name in ("hungarian", "kalman")},
            }

        metrics = batched_map(one, (rows, jax.random.split(key_draws, size)), at_most=AT_ONCE)
        return {name: jnp.mean(values, axis=0) for name, values in metrics.items()}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance gives a detection to any track. The best bound is not known."""
        named = {"best": 1.0, "chance": 1.0 / self.objects}
        names = ("identity_accuracy", "identity_accuracy_last", "identity_accuracy_assigned")
        # without any track: uniform in the unit square, whose density is 1
        return {**dict.fromkeys(names, named), "detection_bound": {"best": None, "chance": 0.0}}

    def diagnostics(self, model: TrackingModel, *, size: int, key: Key) -> Evaluation:
        """Metrics on `4 * size` sequences, and a few sequences with the names that were given."""
        metrics = scalars(evaluate_many(self, model, size, REPEATS, key=key))
        shown = self._pictured(model, key=jax.random.fold_in(key, REPEATS))
        return Evaluation(metrics, {}, self.bounds(metrics), {name: np.asarray(x) for name, x in shown.items()})

    @eqx.filter_jit
    def _pictured(self, model: TrackingModel, *, key: Key) -> dict[str, Array]:
        rows = self.batch(size=PICTURED, key=key)
        assert rows.targets is not None
        named = jnp.argmax(jax.vmap(lambda frames: model.follow(frames).weights)(rows.inputs), axis=-1)
        named = jnp.concatenate([rows.targets[:, :1], named.astype(jnp.int32)], axis=1)
        return {"detections": rows.inputs, "true_objects": rows.targets, "named_objects": named}


def best_assignment(scores: Float[Array, "detections tracks"]) -> Float[Array, "detections tracks"]:
    """The permutation matrix of the highest total score, by the Hungarian algorithm. O(tracks³).

    **Arguments:**

    - `scores`: square, finite.
    """
    return jax.nn.one_hot(assigned(-scores), scores.shape[1], dtype=scores.dtype)


def right_tracks(taken: Int[Array, "later tracks"], objects: Int[Array, "time detections"]) -> Float[Array, " later"]:
    """The share of tracks that have taken a detection of their own object, for each frame after the first.

    **Arguments:**

    - `taken`: which detection each track took.
    - `objects`: of which object each detection is; the first frame too.
    """
    found = jnp.take_along_axis(objects[1:], taken, axis=1)
    return jnp.mean(found == jnp.arange(objects.shape[1], dtype=objects.dtype)[None], axis=1)


def _right_names(weights: Array, objects: Array) -> Array:
    """The share of detections that are given to the right track, for each frame after the first."""
    return jnp.mean(jnp.argmax(weights, axis=-1) == objects[1:], axis=1)
