"""The linear instance: factor analysis of previous state and observation."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.filters.contract import AbstractFilter, replaced
from vestige.models.filters.gaussian import FactorAnalysis
from vestige.numerics import full_precision
from vestige.typing import Key


class FactorFilter(AbstractFilter):
    """(x_{t-1}, y_t) = Λ h + noise of diagonal covariance, h ~ N(0, I), and x_t = E[h | x_{t-1}, y_t].

    On an AR(1) world seen by two or more sensors its damped fixed point is the Kalman filter (the notes' 3.5); full
    re-fits without damping oscillate. With a single sensor the model is not identified.

    **Arguments:**

    - `observed`: numbers of an observation.
    - `hidden`: numbers of the state.

    An observation that is missing in part is integrated out, in the state and in the density, which is exact in this
    model. What is lost is that x_t does not say how certain it is: the step after takes it for as certain as any other.

    **Raises:** `ValueError` for sizes below 1.
    """

    state_loadings: Float[Array, "hidden hidden"]
    input_loadings: Float[Array, "observed hidden"]
    log_state_uniqueness: Float[Array, " hidden"]
    log_input_uniqueness: Float[Array, " observed"]
    parts: bool = eqx.field(static=True)
    """What `in_part` says."""

    def __init__(self, observed: int, hidden: int, *, key: Key):
        if observed < 1 or hidden < 1:
            raise ValueError(f"FactorFilter: observed and hidden must be at least 1, got {observed} and {hidden}")
        keys = jax.random.split(key)
        self.state_loadings = 0.5 * jnp.eye(hidden) + 0.1 * jax.random.normal(keys[0], (hidden, hidden))
        self.input_loadings = 0.5 + 0.1 * jax.random.normal(keys[1], (observed, hidden))
        self.log_state_uniqueness = jnp.zeros(hidden)
        self.log_input_uniqueness = jnp.zeros(observed)
        self.parts = False

    @property
    def in_part(self) -> bool:
        """Where it was made so, by `seeing_parts`."""
        return self.parts

    def seeing_parts(self) -> "FactorFilter":
        return replaced(self, parts=True)

    def init(self) -> Float[Array, " hidden"]:
        return full_precision(jnp.zeros_like(self.log_state_uniqueness))

    def joint(self) -> FactorAnalysis:
        loadings = jnp.concatenate([self.state_loadings, self.input_loadings])
        uniqueness = jnp.exp(jnp.concatenate([self.log_state_uniqueness, self.log_input_uniqueness]))
        return FactorAnalysis(loadings, uniqueness, self.init(), jnp.eye(loadings.shape[1], dtype=loadings.dtype))

    def given(self, state: Float[Array, " hidden"]) -> FactorAnalysis:
        standard = jnp.eye(state.shape[0], dtype=state.dtype)
        prior = FactorAnalysis(self.state_loadings, jnp.exp(self.log_state_uniqueness), self.init(), standard)
        mean, precision = prior.posterior(state)
        return FactorAnalysis(self.input_loadings, jnp.exp(self.log_input_uniqueness), mean, precision)

    def advance(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        return self.joint().posterior(jnp.concatenate([state, observation]))[0]

    def features(self, state: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
        return state

    def reconstruct(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        return self.input_loadings @ state

    def predict(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        return self.input_loadings @ self.given(state).mean

    def draw(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        return self.given(state).draw(key=key)

    def completed(
        self, state: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> tuple[Array, Float[Array, ""]]:
        given = self.given(state)
        return given.completed(observation, key=key), given.log_prob(observation)

    def log_predictive(
        self, previous: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> Float[Array, ""]:
        """Exact."""
        return self.given(previous).log_prob(observation)
