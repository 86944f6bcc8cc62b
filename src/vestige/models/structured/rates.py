"""Log-rates beside the estimator of their gradient."""

import equinox as eqx
from jaxtyping import Array, Float

from vestige.estimators import AbstractEstimator


class Rates(eqx.Module):
    """The whole model: log-rates, and the estimator, so that one optimiser trains both."""

    log_rates: Float[Array, "*keys"]
    estimator: AbstractEstimator
