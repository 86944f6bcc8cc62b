"""Which detection belongs to which track: distributions over it, from a score for every pair."""

import abc
from typing import ClassVar, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.structured.divergences import trace_log_ratio
from vestige.numerics import logsumexp
from vestige.structures import AbstractStructure, Choices, Matching, structure_log_prob
from vestige.typing import Key

Level = Literal["trace", "value"]


class Associated(NamedTuple):
    """What one frame says of its detections."""

    weights: Float[Array, "detections tracks"]
    """Whose each detection is: rows that sum to one, held fixed where they were drawn."""
    cost: Float[Array, ""]
    """A term of the negative evidence bound, nats: -log p(frame | weights) + log q(weights) - log p(weights)."""
    log_prob: Float[Array, ""]
    """log q of what was drawn, nats, differentiable in the scores; 0 where nothing was."""


class AbstractAssociation(eqx.Module):
    """How the detections of a frame are shared out among the tracks."""

    latent: ClassVar[bool]
    """Whether something is drawn."""

    @abc.abstractmethod
    def associate(
        self, scores: Float[Array, "detections tracks"], densities: Float[Array, "detections tracks"], *, key: Key
    ) -> Associated:
        """Associate a frame in training.

        **Arguments:**

        - `scores`: of every pair, from the recognition network.
        - `densities`: log p(detection | track), nats.
        - `key`: of the draw.

        **Returns:** weights, cost and log-probability.
        """

    @abc.abstractmethod
    def likeliest(self, scores: Float[Array, "detections tracks"]) -> Float[Array, "detections tracks"]:
        """The weights by which tracks go on when nothing is drawn.

        **Arguments:**

        - `scores`: as for `associate`.

        **Returns:** rows that sum to one, held fixed.
        """


class OneToOne(AbstractAssociation):
    """A matching: every detection has its own track. q is the greedy matching of recursive Gumbel-max, p is uniform
    over the n! matchings.

    Scores are normalised over the tracks of each detection first, which changes no comparison between tracks. Without
    that, detections with higher scores would be won earlier, and a bound of traces counts their order as information.

    **Arguments:**

    - `level`: of which variable log q is, static. trace: the order of the wins too, O(n²). value: of the matching, its
      n! traces summed, O(2^n n²), n up to 12; a tighter bound and a score of no more variance.
    """

    level: Level = eqx.field(static=True, default="trace")
    latent: ClassVar[bool] = True

    def over(self, scores: Float[Array, "detections tracks"]) -> Matching:
        """q for these scores."""
        return Matching(jax.nn.log_softmax(scores, axis=1))

    def associate(
        self, scores: Float[Array, "detections tracks"], densities: Float[Array, "detections tracks"], *, key: Key
    ) -> Associated:
        posterior = self.over(scores)
        if self.level == "trace":
            return _drawn(posterior, Matching(jnp.zeros_like(scores)), densities, key)
        value = jax.lax.stop_gradient(posterior.sample(key=key).value)
        log_prob = structure_log_prob(posterior, value)
        prior = -jax.lax.lgamma(jnp.asarray(scores.shape[0] + 1.0, scores.dtype))
        cost = jax.lax.stop_gradient(log_prob) - prior - jnp.sum(value * densities)
        return Associated(value, cost, log_prob)

    def likeliest(self, scores: Float[Array, "detections tracks"]) -> Float[Array, "detections tracks"]:
        return jax.lax.stop_gradient(self.over(scores).mode().value)


class Independent(AbstractAssociation):
    """Every detection chooses its track by itself, so that a track may get several, or none. p is uniform over the n^n
    choices: a frame is n points of one mixture. O(n²)."""

    latent: ClassVar[bool] = True

    def over(self, scores: Float[Array, "detections tracks"]) -> Choices:
        """q for these scores."""
        return Choices(scores)

    def associate(
        self, scores: Float[Array, "detections tracks"], densities: Float[Array, "detections tracks"], *, key: Key
    ) -> Associated:
        return _drawn(self.over(scores), Choices(jnp.zeros_like(scores)), densities, key)

    def likeliest(self, scores: Float[Array, "detections tracks"]) -> Float[Array, "detections tracks"]:
        return jax.lax.stop_gradient(self.over(scores).mode().value)


class Attention(AbstractAssociation):
    """No latent: tracks take softmax-weighted means of the detections, and a frame is n points of one mixture, whose
    density is exact. O(n²)."""

    latent: ClassVar[bool] = False

    def associate(
        self, scores: Float[Array, "detections tracks"], densities: Float[Array, "detections tracks"], *, key: Key
    ) -> Associated:
        n = scores.shape[1]
        cost = -jnp.sum(logsumexp(densities, 1) - jnp.log(jnp.asarray(n, densities.dtype)))
        return Associated(jax.nn.softmax(scores, axis=1), cost, jnp.zeros((), densities.dtype))

    def likeliest(self, scores: Float[Array, "detections tracks"]) -> Float[Array, "detections tracks"]:
        return jax.lax.stop_gradient(jax.nn.softmax(scores, axis=1))


def _drawn(posterior: AbstractStructure, prior: AbstractStructure, densities: Array, key: Key) -> Associated:
    """A draw whose log-probability is that of its trace. The slope of log q in the cost has mean zero: it is left
    out."""
    draw = jax.lax.stop_gradient(posterior).sample(key=key)
    value, trace = jax.lax.stop_gradient((draw.value, draw.trace))
    ratio = trace_log_ratio(jax.lax.stop_gradient(posterior), prior, trace)
    return Associated(value, ratio - jnp.sum(value * densities), posterior.log_prob(trace))
