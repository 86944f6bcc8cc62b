"""Prior and posterior over the latent of one step."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.layers import rectified
from vestige.numerics import DiagonalGaussian, GaussianMixture, soft_clamp
from vestige.typing import Key

LOG_SCALE_RANGE = (-7.0, 3.0)
LOG_RATIO_RANGE = (-5.0, 5.0)  # symmetric, so that no correction means none


def _small_last_layer(hidden: int, latent: int, scale: float, *, key: Key) -> eqx.nn.Linear:
    layer = eqx.nn.Linear(hidden, 2 * latent, key=key)
    return eqx.tree_at(lambda x: (x.weight, x.bias), layer, (scale * layer.weight, jnp.zeros(2 * latent)))


class Recollection(NamedTuple):
    """What a memory with slots holds ready at one step."""

    words: Float[Array, "slots word"]
    written: Bool[Array, " slots"]
    weights: Float[Array, "heads slots"]
    """Those of the read."""


class AbstractPrior(eqx.Module):
    """p(z_t | Psi, memory)."""

    @abc.abstractmethod
    def __call__(
        self, context: Float[Array, " context"], recollection: Recollection | None
    ) -> DiagonalGaussian | GaussianMixture:
        """The prior of one step (GTMM eq. 7).

        **Arguments:**

        - `context`: (context,), Psi, what the memory gave.
        - `recollection`: the words of the memory and the weights of the read; None for a memory without slots.

        **Returns:** a law of z, (latent,).

        **Raises:** `ValueError` where the prior needs slots and there are none.
        """


class GaussianPrior(AbstractPrior):
    """p(z_t | Psi) = N(f_mu(Psi), f_sigma(Psi)²), one hidden layer of `width` (GTMM eq. 7).

    **Arguments:**

    - `context_size`, `latent_size`: widths of Psi and z.
    - `width`: units of the hidden layer.
    """

    hidden: eqx.nn.Linear
    output: eqx.nn.Linear

    def __init__(self, context_size: int, latent_size: int, width: int, *, key: Key):
        key_hidden, key_output = jax.random.split(key)
        self.hidden = rectified(context_size, width, key=key_hidden)
        self.output = _small_last_layer(width, latent_size, 0.1, key=key_output)

    def __call__(self, context: Float[Array, " context"], recollection: Recollection | None) -> DiagonalGaussian:
        mean, log_scale = jnp.split(self.output(jax.nn.relu(self.hidden(context))), 2)
        return DiagonalGaussian(mean, soft_clamp(log_scale, *LOG_SCALE_RANGE))


class AbstractPosterior(eqx.Module):
    """q(z_t | Psi, x_t).

    `project` is the part that depends on the frame alone: the model applies it to all frames at once,
    outside the recurrence.
    """

    @abc.abstractmethod
    def project(self, features: Float[Array, " features"]) -> Float[Array, " width"]:
        """The frame's share of the first layer's pre-activations.

        **Arguments:**

        - `features`: (features,), the encoder's of one frame.

        **Returns:** (width,).
        """

    @abc.abstractmethod
    def __call__(
        self,
        prior: DiagonalGaussian | GaussianMixture,
        context: Float[Array, " context"],
        projected: Float[Array, " width"],
    ) -> DiagonalGaussian:
        """The posterior of one step (GTMM eq. 8).

        **Arguments:**

        - `prior`: that of the step.
        - `context`: (context,), Psi, what the memory gave.
        - `projected`: (width,), what `project` made of the frame.

        **Returns:** a law of z, (latent,).

        **Raises:** `ValueError` for a prior of another kind than the posterior is made for.
        """


class PosteriorNetwork(eqx.Module):
    """One hidden layer on [context, features]: two numbers per latent dimension, near zero at the start.

    **Arguments:**

    - `features_size`, `context_size`, `latent_size`: widths of the frame's features, Psi and z.
    - `width`: units of the hidden layer.
    """

    from_features: eqx.nn.Linear
    from_context: eqx.nn.Linear
    output: eqx.nn.Linear

    def __init__(self, features_size: int, context_size: int, latent_size: int, width: int, *, key: Key):
        keys = jax.random.split(key, 3)
        self.from_features = rectified(features_size, width, key=keys[0])
        self.from_context = eqx.nn.Linear(context_size, width, use_bias=False, key=keys[1])
        self.output = _small_last_layer(width, latent_size, 0.1, key=keys[2])

    def __call__(
        self, context: Float[Array, " context"], projected: Float[Array, " width"]
    ) -> tuple[Float[Array, " latent"], Float[Array, " latent"]]:
        """The two halves of the output."""
        mean, log_scale = jnp.split(self.output(jax.nn.relu(projected + self.from_context(context))), 2)
        return mean, log_scale


class PlainPosterior(AbstractPosterior):
    """N(f_mu(Psi, x), f_sigma(Psi, x)²): the paper's form (GTMM eq. 8), under any prior.

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
        mean, log_scale = self.network(context, projected)
        return DiagonalGaussian(mean, soft_clamp(log_scale, *LOG_SCALE_RANGE))


class ResidualPosterior(AbstractPosterior):
    """The prior's parameters plus a correction that starts near zero (ours, not the paper's).

    `m_q = m_p + dm`, `ls_q = ls_p + dls`: the easiest posterior is the prior itself, exactly, which is what
    a recalled frame needs. A posterior blind to Psi would pay at least ½ ln 2 nats per active dimension.

    **Arguments:**

    - `features_size`, `context_size`, `latent_size`: widths of the frame's features, Psi and z.
    - `width`: units of the hidden layer.

    **Raises:** `ValueError`, where it is called, under a mixture prior.
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
        if not isinstance(prior, DiagonalGaussian):
            raise ValueError("ResidualPosterior corrects one Gaussian; under a mixture prior use AddressedPosterior.")
        shift, log_ratio = self.network(context, projected)
        return DiagonalGaussian(prior.mean + shift, prior.log_scale + soft_clamp(log_ratio, *LOG_RATIO_RANGE))
