"""Bounds for models whose latent is a random structure, with any estimator of its gradient."""

import dataclasses
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators import AbstractEstimator, expect, expect_trace
from vestige.models.structured.divergences import times_divergence, trace_log_ratio
from vestige.numerics import logsumexp
from vestige.structures import AbstractStructure, AbstractTrace
from vestige.typing import Batch, Key, Metrics

Divergence = Literal["times", "trace", "none"]


@runtime_checkable
class StructureModel(Protocol):
    """An encoder, a distribution over structures, and a decoder."""

    @property
    def estimator(self) -> AbstractEstimator:
        """Of the gradient in the rates. What it learns, the optimiser of the model trains."""
        ...

    def posterior(self, example: Batch) -> AbstractStructure:
        """The encoder.

        **Arguments:**

        - `example`: a batch without its batch axis.

        **Returns:** q(X | example).
        """
        ...

    def prior(self, example: Batch) -> AbstractStructure:
        """What is known of the structure before.

        **Arguments:**

        - `example`: says how large the structure is.

        **Returns:** p(X), with the keys of the posterior.
        """
        ...

    def log_likelihood(self, value: Float[Array, "..."], example: Batch) -> Float[Array, ""]:
        """The decoder.

        **Arguments:**

        - `value`: of a draw from the posterior; between the corners where the estimator relaxes.
        - `example`: as above.

        **Returns:** log p(example | X), nats.
        """
        ...


@dataclasses.dataclass(frozen=True)
class StructureBound:
    """E_q log p(x | X) - w KL(q ‖ p), for one example: an `Objective`. Its gradient in the encoder is the model's own
    estimator's, that in the decoder pathwise. Two with the same options are equal, so that programs are compiled once.

    **Arguments:**

    - `divergence`: of which variables KL is. times: all arrival times, in closed form, comparable with published
      numbers. trace: the trace, tighter, one sample of log q(T) - log p(T) a draw; estimators that relax refuse it.
      none: the plain expected log-likelihood.
    - `weight`: w; the bound is one of log p(x) for w ≥ 1.
    - `per`: by what the bound is divided, e.g. nodes or tokens.

    Metrics: `loss` (the negative bound) and, where KL has a closed form, `kl`; both over `per`.

    Cost: that of the encoder, and of the estimator with the decoder as cost.
    """

    divergence: Divergence = "times"
    weight: float = 1.0
    per: float = 1.0

    def __call__(self, model: StructureModel, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
        posterior, prior = model.posterior(example), model.prior(example)
        given = {"estimator": model.estimator, "key": key}
        if self.divergence == "trace":
            held = jax.lax.stop_gradient(posterior)  # the mean of the slope of log q is zero: it would be noise

            def cost(value: Array, trace: AbstractTrace) -> Array:
                ratio = trace_log_ratio(held, prior, trace)
                return (self.weight * ratio - model.log_likelihood(value, example)) / self.per

            loss = expect_trace(cost, posterior, **given)
            return -loss, {"loss": loss}
        loss = expect(lambda value: -model.log_likelihood(value, example) / self.per, posterior, **given)
        if self.divergence == "none":
            return -loss, {"loss": loss}
        kl = self.weight * times_divergence(posterior, prior) / self.per
        loss = loss + kl
        return -loss, {"loss": loss, "kl": kl}


class ImportanceSamples(NamedTuple):
    """Structures drawn given an example, each with its importance weight."""

    log_weights: Float[Array, " samples"]
    """log p(x | X) p(T) / q(T), nats; NaN where the draw is not valid. Their mean is an estimate of the evidence lower
    bound, `log_mean` of them one of a tighter bound (Burda et al. 2016)."""
    values: Float[Array, "samples ..."]
    """The structures, as indicator arrays, held fixed."""


def importance_samples(model: StructureModel, example: Batch, *, samples: int, key: Key) -> ImportanceSamples:
    """Structures drawn from the posterior, and how much each counts. For evaluation: no gradient reaches the draws.

    **Arguments:**

    - `model`: as `StructureBound` takes it.
    - `example`: a batch without its batch axis.
    - `samples`: how many, static.

    **Returns:** weights and values.

    **Raises:** `ValueError` for `samples` below 1.
    """
    if samples < 1:
        raise ValueError(f"importance_samples: samples must be at least 1, got {samples}")
    posterior, prior = jax.lax.stop_gradient(model.posterior(example)), model.prior(example)

    def one(key: Key) -> ImportanceSamples:
        draw = posterior.sample(key=key)
        value = jax.lax.stop_gradient(draw.value)
        weight = model.log_likelihood(value, example) - trace_log_ratio(posterior, prior, draw.trace)
        return ImportanceSamples(weight, value)

    return jax.vmap(one)(jax.random.split(key, samples))


def importance_weighted_structures(
    model: StructureModel, example: Batch, *, samples: int, key: Key
) -> Float[Array, ""]:
    """log 1/K Σ_k p(x | X_k) p(T_k) / q(T_k) for traces T_k drawn from the posterior: in the mean a lower bound of
    log p(x) that rises with K (Burda et al. 2016). For evaluation: no gradient reaches the draws.

    **Arguments:**

    - `model`: as `StructureBound` takes it.
    - `example`: a batch without its batch axis.
    - `samples`: K, static.

    **Returns:** one number, nats; NaN where a draw is not valid.

    **Raises:** `ValueError` for `samples` below 1.
    """
    if samples < 1:
        raise ValueError(f"importance_weighted_structures: samples must be at least 1, got {samples}")
    return log_mean(importance_samples(model, example, samples=samples, key=key).log_weights)


def log_mean(log_weights: Float[Array, " samples"]) -> Float[Array, ""]:
    """The logarithm of the mean of weights, of which `log_weights` are the logarithms."""
    return logsumexp(log_weights, 0) - jnp.log(jnp.asarray(log_weights.shape[0], log_weights.dtype))
