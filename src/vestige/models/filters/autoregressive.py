"""A vector autoregression that is fitted in closed form, and a net that learns what it misses."""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.models.families import (
    AbstractFamily,
    Bernoulli,
    Factorises,
    Gaussian,
    InPart,
    NegativeBinomial,
    Poisson,
    StudentT,
    UnitGaussian,
    parameters_at,
    whole,
)
from vestige.models.filters.contract import AbstractFilter, replaced
from vestige.models.filters.direct_heads import DirectHeads, DirectOptions, head_sums, solved_heads, with_spread
from vestige.models.filters.lag_choice import Toward
from vestige.models.filters.lag_regression import LagScales, LagWeights, fitted_lags, lag_sums, residual_covariance
from vestige.models.filters.simultaneous import errors_given, regressions
from vestige.numerics import full_precision
from vestige.typing import Key

REALS = (UnitGaussian, Gaussian, StudentT)
"""Whose first parameters are means; of counts and bits they are logarithms of rates and odds."""
OTHERS = (Poisson, NegativeBinomial, Bernoulli)
MOST_CORRELATED = 256
MOST_LAGS = 4096
"""Values of all lags together: the regression takes the third power of them."""


@runtime_checkable
class Steps(Protocol):
    """Recordings one after the other."""

    @property
    def frames(self) -> Float[Array, "total p"]:
        """The steps; a missing one is NaN."""
        ...

    @property
    def starts(self) -> Int[Array, " recordings"]:
        """Where each recording begins."""
        ...


@runtime_checkable
class Recorded(Protocol):
    """A task whose training steps are at hand."""

    @property
    def train(self) -> Steps:
        """The recordings of the training."""
        ...


class Autoregressive(AbstractFilter):
    """E[y_t] = y_{t-1} + b + W lags, with b and W by ridge regression, and what a net adds to it.

    The state is the last `order` observations, so that there is nothing about it to learn: no gradient needs to cross
    time. b and W are fitted once, before the first update, and stay. The net sees the lags; it begins at zero, so that
    the untrained model is the ridge autoregression, and with `order` 0 the last value. Before the first observation the
    mean is that of the training.

    **Arguments:**

    - `family`: of the observation; reals, counts or bits.
    - `lags`: b and W.
    - `scales`: of values and changes in the training.
    - `width`: hidden units of the net; 0: there is none, and the law around the mean alone is learned.
    - `heads`: what forecasts many steps at once; None: steps are fed back.
    - `covariance`: of what the regression misses, and from how many steps; None: values are independent given the lags.
      Otherwise each value's law is that given the values before it in the same step. Of a step that is missing in part
      what is missing is taken to be as expected, which makes the law of the others somewhat too narrow.

    **Raises:** `ValueError` for other families, and for an order or a width below 0.
    """

    net: eqx.nn.MLP | None
    shift: Float[Array, " rest"]
    """Of the parameters that are no means."""
    weights: Float[Array, "lags observed"]
    offset: Float[Array, " observed"]
    spread: Float[Array, " observed"]
    """The standard deviation of what the regression misses."""
    centre: Float[Array, " observed"]
    value: Float[Array, " observed"]
    change: Float[Array, " observed"]
    family: AbstractFamily
    heads: DirectHeads | None
    common: Float[Array, "observed observed"] | None
    """Of each value's noise on that of the values before it; strictly lower triangular."""
    order: int = eqx.field(static=True)

    def __init__(
        self,
        family: AbstractFamily,
        lags: LagWeights,
        scales: LagScales,
        *,
        width: int,
        heads: DirectHeads | None = None,
        covariance: tuple[np.ndarray, int] | None = None,
        key: Key,
    ):
        if width < 0:
            raise ValueError(f"Autoregressive: width must not be negative, got {width}")
        if not isinstance(whole(family), (*REALS, *OTHERS)):
            raise ValueError(
                f"Autoregressive: values must be reals, counts or bits, got {type(whole(family)).__name__}"
            )
        on_device = lambda array: jnp.asarray(np.asarray(array, np.float32))
        self.weights, self.offset, self.spread = map(on_device, (lags.weights, lags.offset, lags.spread))
        self.centre, self.value, self.change = map(on_device, scales)
        self.family, self.order, self.heads, self.common = family, lags.order, heads, None
        if covariance is not None:
            if not isinstance(whole(family), REALS):
                raise ValueError("Autoregressive: only real values have noise in common; set correlated=False")
            common, spread = regressions(*covariance)
            self.common, self.spread = on_device(common), on_device(np.where(spread > 0, spread, lags.spread))
        self.shift = jnp.zeros(family.num_parameters - family.size)
        self.net = None
        if width:
            net = eqx.nn.MLP(max(lags.order, 1) * family.size, family.size, width, 2, jax.nn.gelu, key=key)
            last = lambda made: (made.layers[-1].weight, made.layers[-1].bias)
            self.net = eqx.tree_at(last, net, tuple(map(jnp.zeros_like, last(net))))

    @classmethod
    def fitted(
        cls,
        family: AbstractFamily,
        task: Any,
        *,
        order: int,
        penalty: float,
        toward: Toward = "last-value",
        width: int,
        direct: DirectOptions | None = None,
        correlated: bool = False,
        key: Key,
    ) -> "Autoregressive":
        """With b and W of the training steps of a task; of one that has none at hand they are zeros.

        **Arguments:**

        - `family`, `width`, `key`: as above.
        - `task`: on observations.
        - `order`: how many of the last observations are seen; 0: the mean is the last one.
        - `penalty`: of the regression.
        - `toward`: what it draws the prediction to.
        - `correlated`: whether the noise of values is correlated; of more than 256 it is not.
        - `direct`: of heads that are fitted to the same steps; None: there are none.

        **Raises:** `ValueError` where order times values is beyond 4,096.
        """
        p = family.size
        if order * p > MOST_LAGS:
            raise ValueError(
                f"Autoregressive: order times the {p:,} values of a step must be at most {MOST_LAGS:,}, got an order "
                f"of {order:,}; take {MOST_LAGS // p:,} or less"
            )
        frames, starts = np.zeros((0, p)), np.zeros(0, np.int64)
        if isinstance(task, Recorded):
            frames, starts = np.asarray(task.train.frames, np.float64), np.asarray(task.train.starts)
        scales = LagScales.of(frames, starts)
        (lag,) = lag_sums(frames, starts, order, scales)
        lags = fitted_lags(lag, order, penalty, to_mean=scales.value if toward == "mean" else None)
        heads = None
        if direct is not None:
            if not isinstance(whole(family), REALS):
                raise ValueError(
                    "Autoregressive: direct heads forecast numbers, not counts or bits; leave horizon at 0"
                )
            size = {"window": direct.window, "horizon": direct.horizon}
            sums = head_sums(frames, starts, **size, scale=scales.value, pooled=direct.pooled)
            heads = solved_heads(sums, scales.value, window=direct.window, penalty=direct.penalty, first=direct.first)
            heads = with_spread(heads, frames, starts)
        covariance = None
        if correlated and 1 < p <= MOST_CORRELATED:
            covariance = residual_covariance(frames, starts, lags, scales)
        return cls(family, lags, scales, width=width, heads=heads, covariance=covariance, key=key)

    @property
    def in_part(self) -> bool:
        """As the family says."""
        return isinstance(self.family, InPart)

    @property
    def of_reals(self) -> bool:
        """Whether observations are real numbers, whose first parameters are means."""
        return isinstance(whole(self.family), REALS)

    @property
    def affine(self) -> bool:
        """Whether the mean is affine in the lags: of reals, without a net."""
        return self.of_reals and self.net is None

    def seeing_parts(self) -> "Autoregressive | None":
        if self.in_part:
            return self
        return replaced(self, family=InPart(self.family)) if isinstance(self.family, Factorises) else None

    def init(self) -> Float[Array, " hidden"]:
        """Whether anything was seen, 0 or 1, and the last observations, the newest first."""
        repeated = jnp.tile(full_precision(self.centre), max(self.order, 1))
        return jnp.concatenate([jnp.zeros(1, repeated.dtype), repeated])

    def advance(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        if self.in_part:  # what is missing is taken to be as expected
            expected = jax.lax.stop_gradient(self.family.mean(self.parameters(state)))
            observation = jnp.where(jnp.isnan(observation), expected, observation)
        newest = observation.astype(state.dtype)
        moved = jnp.concatenate([newest, state[1 : state.shape[0] - newest.shape[0]]])
        first = jnp.tile(newest, max(self.order, 1))
        return jnp.concatenate([jnp.ones(1, state.dtype), jnp.where(state[0] > 0, moved, first)])

    def joint(self) -> "Following":
        return Following(self)

    def given(self, state: Float[Array, " hidden"]) -> "Following":
        return Following(self, state)

    def features(self, state: Float[Array, " hidden"]) -> Float[Array, " features"]:
        """The lags: the last value and the changes before it, in units of their standard deviations."""
        frames = state[1:].reshape(max(self.order, 1), -1)
        fixed = lambda leaf: jax.lax.stop_gradient(full_precision(leaf))
        last = (frames[:1] - fixed(self.centre)[None]) / fixed(self.value)[None]
        changes = (frames[:-1] - frames[1:]) / fixed(self.change)[None]
        return jnp.concatenate([last, changes]).reshape(-1)

    def reconstruct(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        return state[1 : 1 + self.family.size]

    def predict(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        return self.family.mean(self.parameters(state))

    def draw(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        parameters = self.parameters(state)
        drawn = self.family.draw(parameters, key=key)
        return drawn if self.common is None else self._with_common(state, parameters, drawn, jnp.zeros_like(drawn) > 0)

    def completed(
        self, state: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> tuple[Array, Float[Array, ""]]:
        """Exact of this step: a sample of the missing values, each given those before it, weighted by the others."""
        model = self if self.in_part else self.seeing_parts()
        assert model is not None
        parameters = model.parameters(state)
        drawn, there = model.family.draw(parameters, key=key), ~jnp.isnan(observation)
        if self.common is None:
            return jnp.where(there, observation, drawn), model.family.log_prob(parameters, observation)
        full = self._with_common(state, parameters, jnp.where(there, observation, drawn), there)
        seen_by = self._given(state, parameters, full)
        return full, model.family.log_prob(seen_by, observation)

    def log_predictive(
        self, previous: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> Float[Array, ""]:
        """Exact."""
        return self.log_density(previous, observation)

    def log_density(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Float[Array, ""]:
        """log q(y | x), nats.

        **Arguments:**

        - `state`: x.
        - `observation`: y; values may be missing if `in_part`.
        """
        parameters = self.parameters(state)
        if self.common is None:
            return self.family.log_prob(parameters, observation)
        return self.family.log_prob(self._given(state, parameters, observation), observation)

    def _given(self, state: Array, parameters: Array, observation: Array) -> Array:
        """The parameters of each value given those before it in the same step."""
        size, common = self.family.size, self._common(state)
        there = jnp.isfinite(observation)
        # A net learns each mean by that value's own error, whose expectation is zero at the same means as the whole
        # gradient's; the gradient of this density is not that of a likelihood in full.
        errors = jnp.where(there, observation, 0.0) - jax.lax.stop_gradient(parameters[:size])
        errors = errors_given(common, errors, there, jnp.zeros_like(errors))
        return parameters.at[:size].add(jnp.matmul(common, errors, precision=jax.lax.Precision.HIGHEST))

    def _with_common(self, state: Array, parameters: Array, drawn: Array, there: Array) -> Array:
        """Values of which those that are not there were drawn without those before them."""
        mean = parameters[: self.family.size]
        return jnp.where(there, drawn, mean + errors_given(self._common(state), drawn - mean, there, drawn - mean))

    def _common(self, state: Array) -> Array:
        """Before the first observation values have nothing in common."""
        assert self.common is not None
        return jnp.where(state[0] > 0, jax.lax.stop_gradient(full_precision(self.common)), 0.0)

    def parameters(self, state: Float[Array, " hidden"]) -> Float[Array, " num_parameters"]:
        """Of the law of the next observation; where values have noise in common, of each when those before it in the
        same step are as expected."""
        fixed = lambda leaf: jax.lax.stop_gradient(full_precision(leaf))
        begun = state[0] > 0
        spread = jnp.where(begun, fixed(self.spread), fixed(self.value))
        found = parameters_at(whole(self.family), self._expected(state), spread)
        added = jnp.zeros_like(spread)
        if self.net is not None:
            added = full_precision(self.net(self.features(state).astype(self.net.layers[-1].weight.dtype)))
        unit = spread if self.of_reals else jnp.ones_like(spread)
        return found + jnp.where(begun, jnp.concatenate([unit * added, full_precision(self.shift)]), 0.0)

    def _expected(self, state: Array) -> Array:
        fixed = lambda leaf: jax.lax.stop_gradient(full_precision(leaf))
        last = self.reconstruct(state)
        if not self.order:
            return last
        lags = self.features(state)
        added = jnp.matmul(lags, fixed(self.weights), precision=jax.lax.Precision.HIGHEST) + fixed(self.offset)
        return jnp.where(state[0] > 0, last + added, last)


class Following(eqx.Module):
    """q(y_t | x_{t-1}); as a density of pairs, that of the observation alone: the state has nothing to learn."""

    model: Autoregressive
    state: Float[Array, " hidden"] | None = None

    def log_prob(self, value: Array | tuple[Array, Array]) -> Float[Array, ""]:
        """log q(y | x), of an observation, or of a pair of state and observation."""
        state, observation = value if isinstance(value, tuple) else (self.state, value)
        assert state is not None
        return self.model.log_density(state, observation)
