"""Score-function estimators (REINFORCE), with baselines."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators.baselines import AbstractBaseline, MeanOfOthers, NoBaseline
from vestige.estimators.contract import AbstractEstimator, Cost, Distribution
from vestige.estimators.costs import answer, evaluated
from vestige.estimators.lessons import with_lesson
from vestige.estimators.scores import AbstractScore, TraceScore
from vestige.structures.attached import attached
from vestige.structures.contract import flagged
from vestige.typing import Key


class ScoreFunction(AbstractEstimator):
    """1/n Σ_s (f(X_s) - b_s) ∇log p_s. Unbiased.

    **Arguments:**

    - `draws`: n, static; each costs one evaluation of `fn`.
    - `score`: `TraceScore()` (T-REINFORCE) or `TimesScore()` (E-REINFORCE).
    - `baseline`: `NoBaseline()`, `RunningMean()`, `Learned(network)`.
    """

    draws: int = eqx.field(static=True, default=1)
    score: AbstractScore = TraceScore()
    baseline: AbstractBaseline = NoBaseline()

    def __check_init__(self):
        if self.draws < 1:
            raise ValueError(f"ScoreFunction: draws must be at least 1, got {self.draws}")

    def estimate(self, fn: Cost, structure: Distribution, context: Any, *, key: Key) -> Any:
        draws = draw_many(structure, self.draws, key=key)
        return by_score(fn, structure, draws, self.score, self.baseline, context)


class LeaveOneOut(AbstractEstimator):
    """The score function with the mean of the other draws as baseline (REINFORCE+). Unbiased, nothing to train.

    **Arguments:**

    - `draws`: at least 2, static; each costs one evaluation of `fn`.
    - `score`: `TraceScore()` (T-REINFORCE+) or `TimesScore()` (E-REINFORCE+).
    """

    draws: int = eqx.field(static=True, default=4)
    score: AbstractScore = TraceScore()

    def __check_init__(self):
        if self.draws < 2:
            raise ValueError(
                f"LeaveOneOut: draws must be at least 2, got {self.draws}; for one draw use ScoreFunction or Relax"
            )

    def estimate(self, fn: Cost, structure: Distribution, context: Any, *, key: Key) -> Any:
        draws = draw_many(structure, self.draws, key=key)
        return by_score(fn, structure, draws, self.score, MeanOfOthers(), context)


def draw_many(structure: Distribution, count: int, *, key: Key) -> Any:
    """Independent draws, through which no gradient flows.

    **Arguments:**

    - `structure`: drawn from.
    - `count`: how many, static.

    **Returns:** the draws, with a leading axis.

    **Raises:** `ValueError` where the rates admit no whole structure.
    """
    frozen = jax.lax.stop_gradient(structure)
    return jax.lax.stop_gradient(jax.vmap(lambda k: frozen.sample(key=k))(jax.random.split(key, count)))


def by_score(
    fn: Cost, structure: Distribution, draws: Any, score: AbstractScore, baseline: AbstractBaseline, context: Any
) -> Any:
    """The mean cost of some draws, with the score-function gradient for the rates.

    **Arguments:**

    - `fn`: the cost, evaluated once a draw.
    - `structure`: whose log-rates get the gradient.
    - `draws`: from `structure`, with a leading axis.
    - `score`: whose log-probability is differentiated.
    - `baseline`: what is subtracted from the costs; it learns by its own loss.
    - `context`: as given to `expect`.

    **Returns:** one number; NaN where a draw is not valid; with the auxiliary output of `fn`, where it has some.
    """
    costs, aux = evaluated(fn, draws.value, traces=draws.trace)
    still = jax.lax.stop_gradient(costs)
    log_probs = jax.vmap(lambda draw: score.log_prob(structure, draw))(draws)

    def loss(baseline: AbstractBaseline) -> tuple[Float[Array, ""], Float[Array, " draws"]]:
        return baseline.loss(still, context), still - baseline(still, context)

    value, weights = with_lesson(jnp.mean(costs), baseline, loss)
    weights = (weights / costs.shape[0]).astype(log_probs.dtype)
    return answer(flagged(attached(value, log_probs, weights, costs), jnp.all(draws.valid)), aux)
