"""A prior that can name what it remembers, and the posterior that goes with it."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.temporal.latents import (
    LOG_RATIO_RANGE,
    LOG_SCALE_RANGE,
    AbstractPosterior,
    AbstractPrior,
    GaussianPrior,
    PosteriorNetwork,
    Recollection,
)
from vestige.numerics import DiagonalGaussian, GaussianMixture, soft_clamp
from vestige.typing import Key

LEAST_WEIGHT = 1e-30  # whose logarithm is finite in single precision
START_LOG_SCALE = -1.0
START_NEW = 1.0  # a model learns what a frame is before it gains by naming one


class MixturePrior(AbstractPrior):
    """p(z_t) = π_0 N(f(Psi)) + Σ_j π_j N(g(m_j)): something new, or what one slot holds (ours).

    A single Gaussian cannot say "one of these fifteen frames": it pays for a full frame where naming one costs
    ln 15 nats. Here π_j = Σ_r ρ_r w^r_j + ρ_u / n, where w^r are the weights of the read heads, n counts the written
    slots, and ρ = softmax of a layer on Psi: attend where the heads do, or anywhere. What is left is π_0. (After the
    discrete address of Bornschein et al. 2017, arXiv:1709.07116, summed out exactly.)

    `g` is a linear layer that starts as the identity, for memories that hold latents themselves. The divergence from a
    mixture has no closed form: it is estimated from the posterior's own draw. Time and memory: O(slots x latent).

    **Between two slots.** A view from a heading that lies between those of two stored views is neither of them. With
    `between` = K each slot has K further components, N(G_k [m_j, m_j']), where m_j' is the next older slot and G_k a
    linear layer that starts as the point k / (K + 1) of the way from m_j to m_j'; a softmax on Psi says how π_j is
    shared among them and g(m_j). Time and memory: O(K x slots x latent²).

    **Arguments:**

    - `context_size`, `latent_size`: widths of Psi and z.
    - `width`: units of the hidden layer for what is new.
    - `word_size`: numbers of a word of the memory.
    - `heads`: of its reads.
    - `between`: K; more than 0 for memories whose slots stand in the order in which they were written, newest first.
    """

    fresh: GaussianPrior
    word: eqx.nn.Linear
    shares: eqx.nn.Linear
    points: eqx.nn.Linear | None
    """From a slot and the next older one to the components between them, and from Psi (`along`) to their shares."""
    along: eqx.nn.Linear | None

    def __init__(
        self,
        context_size: int,
        latent_size: int,
        width: int,
        *,
        word_size: int,
        heads: int,
        between: int = 0,
        key: Key,
    ):
        keys = jax.random.split(key, 3)
        self.fresh = GaussianPrior(context_size, latent_size, width, key=keys[0])
        word = eqx.nn.Linear(word_size, 2 * latent_size, key=keys[1])
        weight = jnp.concatenate([jnp.eye(latent_size, word_size), 0.1 * word.weight[latent_size:]])
        bias = jnp.concatenate([jnp.zeros(latent_size), jnp.full(latent_size, START_LOG_SCALE)])
        self.word = eqx.tree_at(lambda layer: (layer.weight, layer.bias), word, (weight, bias))
        shares = eqx.nn.Linear(context_size, heads + 2, key=keys[2])
        self.shares = eqx.tree_at(lambda layer: layer.bias, shares, START_NEW * jnp.eye(heads + 2)[0])
        self.points = self.along = None
        if between:
            key_points, key_along = jax.random.split(jax.random.fold_in(key, 3))
            self.points = _between(between, word_size, latent_size, key=key_points)
            self.along = eqx.nn.Linear(context_size, between + 1, key=key_along)

    def __call__(self, context: Float[Array, " context"], recollection: Recollection | None) -> GaussianMixture:
        if recollection is None:
            raise ValueError("MixturePrior: the memory has no slots to choose from. Use GaussianPrior.")
        words, written, weights = recollection
        fresh = self.fresh(context, None)
        share = jax.nn.softmax(self.shares(context))
        there = written.astype(share.dtype)
        anywhere = there / jnp.maximum(jnp.sum(there), 1.0)
        slots = share[2:] @ weights + share[1] * anywhere
        new = jnp.maximum(1.0 - jnp.sum(slots), 0.0)  # its own share, and that of weights that are not there
        laws = jax.vmap(self.word)(words)
        if self.points is not None and self.along is not None:
            # the oldest slot has no older one: it stands for itself
            older = jnp.where(written[1:, None], words[1:], words[:-1])
            pairs = jnp.concatenate([words, jnp.concatenate([older, words[-1:]])], axis=1)
            others = jax.vmap(self.points)(pairs).reshape(-1, laws.shape[1])
            laws = jnp.concatenate([laws, others])
            along = jax.nn.softmax(self.along(context))
            slots = jnp.concatenate([slots * along[0], (slots[:, None] * along[None, 1:]).reshape(-1)])
        log_weights = jnp.log(jnp.maximum(jnp.append(new, slots), LEAST_WEIGHT))
        mean, log_scale = jnp.split(laws, 2, axis=1)
        components = DiagonalGaussian(
            jnp.concatenate([fresh.mean[None], mean]),
            jnp.concatenate([fresh.log_scale[None], soft_clamp(log_scale, *LOG_SCALE_RANGE)]),
        )
        return GaussianMixture(log_weights, components)


def _between(points: int, word_size: int, latent_size: int, *, key: Key) -> eqx.nn.Linear:
    """A layer from two words to the means and log-scales of so many `points` between them."""
    layer = eqx.nn.Linear(2 * word_size, 2 * points * latent_size, key=key)
    weight = 0.1 * layer.weight.reshape(points, 2, latent_size, 2, word_size)
    part = jnp.arange(1, points + 1) / (points + 1)
    same = jnp.eye(latent_size, word_size)
    mean = jnp.stack([1 - part, part], axis=1)[:, None, :, None] * same[None, :, None, :]
    bias = jnp.zeros((points, 2, latent_size)).at[:, 1].set(START_LOG_SCALE)
    weight = weight.at[:, 0].set(mean).reshape(layer.weight.shape)
    return eqx.tree_at(lambda layer: (layer.weight, layer.bias), layer, (weight, bias.reshape(-1)))


class AddressedPosterior(AbstractPosterior):
    """Encodes a frame anew, or names the slot that holds it (ours).

    The frame gives a Gaussian q_0, a correction of the component for what is new. How well each component explains it,
    r_j ∝ π_j ∫ q_0 p_j, says what the frame is: `m_q = r_0 m_{q_0} + Σ_j r_j mean_j`, and so for log-scales. Where one
    slot fits, the posterior is that slot's component, exactly, and the frame costs -log π_j nats.

    **Arguments:**

    - `features_size`, `context_size`, `latent_size`: widths of the frame's features, Psi and z.
    - `width`: units of the hidden layer.
    """

    network: PosteriorNetwork

    def __init__(self, features_size: int, context_size: int, latent_size: int, width: int, *, key: Key):
        self.network = PosteriorNetwork(features_size, context_size, latent_size, width, key=key)

    def project(self, features: Float[Array, " features"]) -> Float[Array, " width"]:
        return self.network.from_features(features)

    def __call__(
        self,
        prior: DiagonalGaussian | GaussianMixture,
        context: Float[Array, " context"],
        projected: Float[Array, " width"],
    ) -> DiagonalGaussian:
        if not isinstance(prior, GaussianMixture):
            raise ValueError("AddressedPosterior: the prior is no mixture. Use ResidualPosterior or PlainPosterior.")
        mean, log_scale = prior.components
        shift, log_ratio = self.network(context, projected)
        new = DiagonalGaussian(mean[0] + shift, log_scale[0] + soft_clamp(log_ratio, *LOG_RATIO_RANGE))
        both = 0.5 * jnp.logaddexp(2 * log_scale, jnp.broadcast_to(2 * new.log_scale, log_scale.shape))
        overlap = DiagonalGaussian(mean, both).log_prob(jnp.broadcast_to(new.mean, mean.shape))
        share = jax.nn.softmax(prior.log_weights + overlap)
        return DiagonalGaussian(share @ mean.at[0].set(new.mean), share @ log_scale.at[0].set(new.log_scale))
