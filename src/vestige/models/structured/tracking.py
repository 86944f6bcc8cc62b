"""Multi-object tracking with a latent association in every frame."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators.by_steps import expect_steps
from vestige.models.structured.associations import AbstractAssociation, Associated
from vestige.models.structured.tracks import DetectionScorer, Predicted, TrackDynamics, Tracks, log_densities
from vestige.typing import Batch, Key, Metrics


class Followed(NamedTuple):
    """One pass over the frames after the first."""

    weights: Float[Array, "later detections tracks"]
    """Whose each detection is."""
    predicted: Float[Array, "later tracks 2"]
    """Where each track was expected."""


class TrackingModel(eqx.Module):
    """Tracks that are predicted, associated with the detections of each frame, and corrected by them.

    p(x_t | a_t, tracks) is a Gaussian around the prediction of the track to which the association a_t gives each
    detection; p(a_t) is uniform; q(a_t | x_t, tracks) is made of a score for each pair. Both follow the tracks that the
    associations before have made, so that log p(x_t, a_t) - log q(a_t), summed over frames, is a bound of
    log p(x_1 … x_T | x_0).

    **Arguments:**

    - `dynamics`: of a track.
    - `scorer`: of detections and tracks.
    - `association`: which associations there are.
    - `draws`: sequences of associations for each example in training, static; at least 2 where they are latent.
    """

    dynamics: TrackDynamics
    scorer: DetectionScorer
    association: AbstractAssociation
    draws: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        least = 2 if self.association.latent else 1
        if self.draws < least:
            raise ValueError(
                f"TrackingModel: draws must be at least {least}, got {self.draws}; the mean of the other draws is the "
                "baseline"
            )

    def sample(self, frames: Float[Array, "time detections 2"], *, key: Key) -> Associated:
        """Draw the associations of all frames after the first.

        **Arguments:**

        - `frames`: the detections, the first frame in the order of the tracks.

        **Returns:** what `AbstractAssociation.associate` returns, with a leading axis of time - 1.
        """

        def on(tracks: Tracks, step: tuple[Array, Key]) -> tuple[Tracks, Associated]:
            detections, key = step
            predicted, scores = self._scored(tracks, detections)
            found = self.association.associate(scores, log_densities(predicted, detections), key=key)
            return self.dynamics.update(predicted, detections, found.weights), found

        later = frames[1:], jax.random.split(key, frames.shape[0] - 1)
        return jax.lax.scan(on, self.dynamics.init(frames[0]), later)[1]

    def follow(
        self, frames: Float[Array, "time detections 2"], associate: Callable[[Array], Array] | None = None
    ) -> Followed:
        """Follow the tracks by one association of each frame, given those before.

        **Arguments:**

        - `frames`: as for `sample`.
        - `associate`: from scores to weights, both (detections, tracks); None: the likeliest association.

        **Returns:** weights and predictions.
        """
        chosen = self.association.likeliest if associate is None else associate

        def on(tracks: Tracks, detections: Array) -> tuple[Tracks, Followed]:
            predicted, scores = self._scored(tracks, detections)
            weights = chosen(scores)
            return self.dynamics.update(predicted, detections, weights), Followed(weights, predicted.tracks.places)

        return jax.lax.scan(on, self.dynamics.init(frames[0]), frames[1:])[1]

    def _scored(self, tracks: Tracks, detections: Array) -> tuple[Predicted, Array]:
        predicted = self.dynamics.predict(tracks)
        return predicted, self.scorer(predicted, detections)


@dataclasses.dataclass(frozen=True)
class TrackingBound:
    """The evidence lower bound of a `TrackingModel` for one example, by detection: an `Objective`. Its gradient is the
    score function with the costs to go and the mean of the other draws as baseline
    ([`expect_steps`][vestige.estimators.expect_steps]), and pathwise in the predictions.

    `example.inputs`: (time, detections, 2). Targets are not looked at.

    Metrics: `loss`, the negative bound by detection after the first frame, nats.

    Cost: `draws` passes over the frames.
    """

    def __call__(self, model: TrackingModel, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
        frames = example.inputs
        count = (frames.shape[0] - 1) * frames.shape[1]
        if model.association.latent:
            found = jax.vmap(lambda key: model.sample(frames, key=key))(jax.random.split(key, model.draws))
            loss = expect_steps(found.cost, found.log_prob) / count
        else:
            loss = jnp.sum(model.sample(frames, key=key).cost) / count
        return -loss, {"loss": loss}
