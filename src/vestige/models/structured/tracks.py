"""What is known of moving objects: where each is, how fast it goes, and how a detection changes that."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.cells import GRU
from vestige.models.layers import rectified
from vestige.typing import Key

UNIT = 0.1
"""The length in which displacements enter and leave the networks, as a part of the box."""


class Tracks(NamedTuple):
    """The state of all tracks after a frame."""

    places: Float[Array, "tracks 2"]
    """In units of the box."""
    velocities: Float[Array, "tracks 2"]
    """The same, per frame."""
    hidden: Float[Array, "tracks hidden"]
    """What the network remembers of each."""


class Predicted(NamedTuple):
    """Where the next detections are expected."""

    tracks: Tracks
    """The state, moved on by one frame."""
    log_std: Float[Array, " tracks"]
    """Logarithm of the standard deviation of a coordinate of a detection."""


class TrackDynamics(eqx.Module):
    """A filter for one object, with the same weights for all: constant velocity plus a learned correction, and gains
    that a recurrent network chooses (an alpha-beta filter whose alpha and beta are learned). It starts as the filter of
    constant velocity. O(tracks · width²) a frame.

    **Arguments:**

    - `width`: of the hidden state and of the hidden layer.
    """

    first: eqx.nn.Linear
    last: eqx.nn.Linear
    cell: GRU
    gains: eqx.nn.Linear

    def __init__(self, width: int, *, key: Key):
        keys = jax.random.split(key, 4)
        self.first = rectified(4 + width, width, key=keys[0])
        self.last = zeroed(eqx.nn.Linear(width, 5, key=keys[1]))
        self.cell = GRU(6, width, key=keys[2])
        self.gains = zeroed(eqx.nn.Linear(width, 2, key=keys[3]))

    def init(self, detections: Float[Array, "tracks 2"]) -> Tracks:
        """The state after the first frame, whose detections come in the order of the tracks; at rest."""
        places = detections.astype(jnp.result_type(detections, self.first.weight))
        hidden = jnp.zeros((detections.shape[0], self.cell.output_size), places.dtype)
        return Tracks(places, jnp.zeros_like(places), hidden)

    def predict(self, tracks: Tracks) -> Predicted:
        """Move on by one frame."""

        def one(place: Array, velocity: Array, hidden: Array) -> tuple[Array, Array, Array]:
            seen = jnp.concatenate([2.0 * place - 1.0, velocity / UNIT, hidden])
            out = self.last(jax.nn.relu(self.first(seen)))
            return place + velocity + UNIT * out[:2], velocity + UNIT * out[2:4], out[4] + jnp.log(UNIT)

        places, velocities, log_std = jax.vmap(one)(*tracks)
        return Predicted(Tracks(places, velocities, tracks.hidden), log_std)

    def update(
        self, predicted: Predicted, detections: Float[Array, "detections 2"], weights: Float[Array, "detections tracks"]
    ) -> Tracks:
        """Correct a prediction by the detections that belong to each track.

        **Arguments:**

        - `predicted`: what `predict` returned.
        - `detections`: of the frame.
        - `weights`: from 0 to 1, the share of each detection that goes to each track. A track moves towards the
          weighted mean of its detections by its gain times its total weight, 1 at most; one without any stays as
          predicted.

        **Returns:** the state after the frame.
        """
        weights = weights.astype(predicted.tracks.places.dtype)  # structures draw in single precision
        total = jnp.sum(weights, axis=0)
        away = detections[:, None, :] - predicted.tracks.places[None, :, :]
        offs = jnp.sum(weights[:, :, None] * away, axis=0) / jnp.maximum(total, 1.0)[:, None]

        def one(
            place: Array, velocity: Array, hidden: Array, log_std: Array, off: Array, share: Array
        ) -> tuple[Array, Array, Array]:
            features = jnp.concatenate([off / UNIT, velocity / UNIT, log_std[None], share[None]])
            hidden, _ = self.cell(hidden, features)
            gain = jax.nn.sigmoid(self.gains(hidden))
            return place + gain[0] * off, velocity + gain[1] * off, hidden

        return Tracks(*jax.vmap(one)(*predicted.tracks, predicted.log_std, offs, jnp.minimum(total, 1.0)))


class DetectionScorer(eqx.Module):
    """How well each detection fits each track: its log-density under the prediction, times a learned factor, plus a
    learned correction that starts at zero. O(detections · tracks · width).

    **Arguments:**

    - `width`: of the hidden layer.
    """

    first: eqx.nn.Linear
    last: eqx.nn.Linear
    log_factor: Float[Array, ""]

    def __init__(self, width: int, *, key: Key):
        keys = jax.random.split(key, 2)
        self.first = rectified(9, width, key=keys[0])
        self.last = zeroed(eqx.nn.Linear(width, "scalar", key=keys[1]))
        self.log_factor = jnp.zeros(())

    def __call__(
        self, predicted: Predicted, detections: Float[Array, "detections 2"]
    ) -> Float[Array, "detections tracks"]:
        def pair(place: Array, velocity: Array, log_std: Array, detection: Array) -> Array:
            off = detection - place
            scaled = off * jnp.exp(-log_std)
            near = jnp.concatenate([scaled / jnp.sqrt(1.0 + jnp.sum(jnp.square(scaled))), off / UNIT])
            features = jnp.concatenate([near, log_std[None], velocity / UNIT, 2.0 * place - 1.0])
            return self.last(jax.nn.relu(self.first(features)))

        tracks = predicted.tracks
        row = jax.vmap(pair, in_axes=(0, 0, 0, None))
        learned = jax.vmap(row, in_axes=(None, None, None, 0))(
            tracks.places, tracks.velocities, predicted.log_std, detections
        )
        return jnp.exp(self.log_factor) * log_densities(predicted, detections) + learned


def log_densities(predicted: Predicted, detections: Float[Array, "detections 2"]) -> Float[Array, "detections tracks"]:
    """log N(detection; prediction of a track) for every pair: isotropic Gaussians of the predicted width.

    **Arguments:**

    - `predicted`: what `TrackDynamics.predict` returned.
    - `detections`: of the frame.

    **Returns:** (detections, tracks), nats, differentiable in the prediction. O(detections · tracks).
    """
    off = detections[:, None, :] - predicted.tracks.places[None, :, :]
    squared = jnp.sum(jnp.square(off), axis=-1) * jnp.exp(-2.0 * predicted.log_std)[None, :]
    return -0.5 * squared - 2.0 * predicted.log_std[None, :] - jnp.log(2.0 * jnp.pi).astype(squared.dtype)


def zeroed(layer: eqx.nn.Linear) -> eqx.nn.Linear:
    """A layer that returns zeros at the start."""
    return eqx.tree_at(lambda x: (x.weight, x.bias), layer, replace_fn=jnp.zeros_like)
