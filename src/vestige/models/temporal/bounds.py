"""Lower bounds on the log-likelihood of a sequence."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.temporal.model import TemporalModel, Trajectory
from vestige.numerics import DiagonalGaussian, batched_map, masked_mean
from vestige.typing import Batch, Key, Metrics


def _filter(model: TemporalModel, example: Batch, *, key: Key) -> tuple[Trajectory, Float[Array, " time"]]:
    """One posterior path through the example, and log p(x_t | z_t) of each frame."""
    trajectory = model.filter(
        example.inputs, condition=example.condition, mask=example.mask, reset=example.reset, key=key
    )
    frames = example.inputs
    if example.mask is not None:
        frames = jnp.where(example.mask.reshape(-1, *(1,) * (frames.ndim - 1)), frames, 0.0)
    return trajectory, jax.vmap(model.likelihood.log_prob)(trajectory.frame_parameters, frames)


def elbo(model: TemporalModel, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
    """The evidence lower bound of one sequence, in nats per frame (GTMM eq. 2-6).

    `F = Σ_t { log p(x_t | z_t) - KL[q(z_t) ‖ p(z_t)] } / T` along one path z ~ q; unbiased for the bound, and its
    gradient is reparameterised. The KL is in closed form, or log q - log p of the path where the prior is a mixture.
    To be maximised.

    **Arguments:**

    - `model`: a generative temporal model.
    - `example`: one sequence.

    **Returns:** the bound and metrics: `negative_bound`, `kl` and `log_likelihood` (means over the frames
    that are not padding), `kl_per_frame` and `negative_bound_per_frame` (time; meaningless on padding).
    """
    trajectory, log_likelihood = _filter(model, example, key=key)
    assert isinstance(trajectory.posterior, DiagonalGaussian)
    kl = trajectory.prior.surprise(trajectory.posterior, trajectory.latent)
    bound = masked_mean(log_likelihood - kl, example.mask)
    metrics = {
        "negative_bound": -bound,
        "kl": masked_mean(kl, example.mask),
        "log_likelihood": masked_mean(log_likelihood, example.mask),
        "kl_per_frame": kl,
        "negative_bound_per_frame": kl - log_likelihood,
    }
    return bound, metrics


def importance_weighted_bound(
    model: TemporalModel, example: Batch, *, particles: int, key: Key
) -> tuple[Float[Array, ""], Metrics]:
    """A tighter bound for evaluation: log-mean-exp over posterior paths, in nats per frame.

    `log (1/S) Σ_s p(x, z_s) / q(z_s | x)`, divided by the number of frames (Burda et al. 2016). Grows with
    `particles` towards log p(x). Costs `particles` filters.

    **Arguments:**

    - `model`: a generative temporal model.
    - `example`: one sequence.
    - `particles`: S, static.

    **Returns:** the bound, and the metric `gap`: how far it lies above the mean of the same paths' own
    bounds, never negative. Added to an ELBO over more sequences it gives this bound with less noise.
    """
    keys = jax.random.split(key, particles)

    def log_weight(key: Key) -> Float[Array, ""]:
        trajectory, log_likelihood = _filter(model, example, key=key)
        z = trajectory.latent
        terms = log_likelihood + trajectory.prior.log_prob(z) - trajectory.posterior.log_prob(z)
        return jnp.sum(terms if example.mask is None else jnp.where(example.mask, terms, 0.0))

    weights = batched_map(log_weight, keys, at_most=16)
    frames = example.inputs.shape[0] if example.mask is None else jnp.maximum(jnp.sum(example.mask), 1)
    bound = (jax.nn.logsumexp(weights) - jnp.log(float(particles))) / frames
    return bound, {"gap": bound - jnp.mean(weights) / frames}
