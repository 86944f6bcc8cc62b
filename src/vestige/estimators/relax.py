"""RELAX: a learned critic of the noise as control variate."""

import abc
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators.baselines import AbstractBaseline, NoBaseline
from vestige.estimators.contract import AbstractEstimator, Cost, Distribution
from vestige.estimators.costs import answer, evaluated
from vestige.estimators.lessons import with_lesson
from vestige.estimators.score_function import draw_many
from vestige.estimators.scores import SetScore, TimesScore, TraceScore
from vestige.structures import AbstractStructure, Draw, Subset, racing, subset_posterior
from vestige.structures.attached import attached
from vestige.structures.contract import flagged
from vestige.typing import Key


@runtime_checkable
class CriticFunction(Protocol):
    """From perturbed log-rates (minus log-times, 0 where there is no key) and the context to a scalar.

    Differentiable. `Critic` is one; a relaxation of the cost itself, scaled, makes REBAR.
    """

    def __call__(self, perturbed: Float[Array, "*keys"], context: Any) -> Float[Array, ""]:
        """Guess the cost of a draw from its noise.

        **Arguments:**

        - `perturbed`: minus log-times, in the shape of the log-rates; 0 where there is no key.
        - `context`: as given to `expect`.

        **Returns:** one number, in units of the cost.
        """
        ...


class AbstractNoise(eqx.Module):
    """Which noise the critic looks at where it stands against the cost."""

    @abc.abstractmethod
    def terms(
        self,
        critic: CriticFunction,
        structure: AbstractStructure,
        draw: Draw,
        arrivals: Array,
        context: Any,
        *,
        key: Key,
    ) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
        """The terms of one draw.

        **Arguments:**

        - `critic`: the control variate.
        - `structure`: whose log-rates are differentiated.
        - `draw`: held fixed.
        - `arrivals`: logarithms of the arrival times of that draw, differentiable in the rates, the noise held fixed.
        - `context`: as given to `expect`.
        - `key`: for noise that is drawn anew.

        **Returns:** three numbers: the log-probability whose score is used, in nats; the critic that is subtracted from
        the cost (both differentiable in the rates); and the correction whose gradient makes up for it.

        **Raises:** `TypeError` for a structure for which this noise is not defined.
        """


class GivenTrace(AbstractNoise):
    """[f - c(Ẽ)] ∇log p(T) - ∇c(Ẽ) + ∇c(E) with Ẽ drawn anew given the trace (RELAX on T).

    **Arguments:** `redraws`: how many Ẽ a trace; they cost no evaluation of `fn` and average the critic's noise.
    """

    redraws: int = eqx.field(static=True, default=1)

    def terms(self, critic, structure, draw, arrivals, context, *, key):
        keys = jax.random.split(key, self.redraws)
        again = jax.vmap(lambda k: structure.posterior(draw.trace, key=k))(keys)
        control, correction = _redrawn(critic, structure, arrivals, again, context)
        return TraceScore().log_prob(structure, draw), control, correction


class GivenSet(AbstractNoise):
    """As `GivenTrace` with the unordered set X in place of the trace: for `Subset` alone. Less variance than with the
    trace, which knows an order that the cost does not; each redraw inverts a distribution function, O(1500 n √k).

    **Arguments:** `redraws`: how many Ẽ a set.
    """

    redraws: int = eqx.field(static=True, default=1)

    def terms(self, critic, structure, draw, arrivals, context, *, key):
        keys = jax.random.split(key, self.redraws)
        log_prob = SetScore().log_prob(structure, draw)
        assert isinstance(structure, Subset)  # or the score would have refused it
        value = jax.lax.stop_gradient(draw.value)
        again = jax.vmap(lambda k: subset_posterior(structure, value, key=k))(keys)
        control, correction = _redrawn(critic, structure, arrivals, again, context)
        return log_prob, control, correction


class AllTimes(AbstractNoise):
    """[f - c(E)] ∇log p(E) + ∇c(E): needs no trace (RELAX on E, also called LAX). Higher variance."""

    def terms(self, critic, structure, draw, arrivals, context, *, key):
        control = _criticise(critic, structure, arrivals, context)
        return TimesScore().log_prob(structure, draw), control, control


class Relax(AbstractEstimator):
    """RELAX (Grathwohl et al. 2018) on traces (Struminsky et al. 2021). Unbiased for any critic.

    The gradient that reaches the critic's arrays is that of the squared norm of the estimate for the log-rates: since
    the mean does not depend on the critic, following it lowers the variance. Keep the estimator among what the
    optimiser trains.

    **Arguments:**

    - `critic`: see `CriticFunction`.
    - `draws`: static; each costs one evaluation of `fn`.
    - `noise`: `GivenTrace(redraws=1)`, `GivenSet(redraws=1)` or `AllTimes()`.
    - `baseline`: for what the critic leaves of the cost; `MeanOfOthers()` combines leave-one-out with RELAX.
    - `trained`: False: no gradient reaches the critic, which stays as it is.

    Time: about two passes through the structure and, with its training, four through the critic a draw.
    """

    critic: CriticFunction
    draws: int = eqx.field(static=True, default=1)
    noise: AbstractNoise = GivenTrace()
    baseline: AbstractBaseline = NoBaseline()
    trained: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        if self.draws < 1:
            raise ValueError(f"Relax: draws must be at least 1, got {self.draws}")

    def estimate(self, fn: Cost, structure: Distribution, context: Any, *, key: Key) -> Any:
        structure = racing(structure, "Relax")
        key_draws, key_noise = jax.random.split(key)
        draws = draw_many(structure, self.draws, key=key_draws)
        costs, aux = evaluated(fn, draws.value, traces=draws.trace)
        still = jax.lax.stop_gradient(costs)
        held = jax.lax.stop_gradient(structure)
        present = held.log_rates > -jnp.inf
        keys = jax.random.split(key_draws, self.draws), jax.random.split(key_noise, self.draws)

        def loss(learner: tuple[CriticFunction, AbstractBaseline]) -> tuple[Float[Array, ""], Float[Array, "*keys"]]:
            critic, baseline = learner

            def terms(rates: Array) -> Any:
                here = held.with_log_rates(rates)

                def one(draw: Draw, key_draw: Key, key_again: Key) -> Any:
                    arrivals = here.arrivals(key=key_draw)  # the same noise as in the draw
                    return self.noise.terms(critic, here, draw, arrivals, context, key=key_again)

                return jax.vmap(one)(draws, *keys)

            (_, controls, corrections), pull_back = jax.vjp(terms, held.log_rates)
            # What the critic leaves of the cost weighs the score: a constant as to the rates, not as to the critic.
            left = still - controls
            weights = left - _held(baseline)(left, context)
            share = jnp.full_like(corrections, 1 / self.draws)
            (found,) = pull_back((share * weights, jnp.zeros_like(controls), share))
            found = jnp.where(present, found, 0.0)
            training = baseline.loss(jax.lax.stop_gradient(left), context)
            if self.trained:
                training = jnp.sum(found**2) + training
            return training, found

        value, found = with_lesson(jnp.mean(costs), (self.critic, self.baseline), loss)
        rates = jnp.where(present, structure.log_rates, 0.0)
        return answer(flagged(attached(value, rates, found, costs), jnp.all(draws.valid)), aux)


def _held(baseline: AbstractBaseline) -> AbstractBaseline:
    """The baseline with its own arrays held fixed: they learn from its loss alone."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_array(leaf) else leaf, baseline)


def _redrawn(
    critic: CriticFunction, structure: AbstractStructure, arrivals: Array, again: Array, context: Any
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The critic on the noise drawn anew, and what that on the first noise is beyond it."""
    control = jnp.mean(jax.vmap(lambda times: _criticise(critic, structure, times, context))(again))
    return control, _criticise(critic, structure, arrivals, context) - control


def _criticise(critic: CriticFunction, structure: AbstractStructure, log_times: Array, context: Any) -> Array:
    present = structure.log_rates > -jnp.inf
    return critic(jnp.where(present, -jnp.where(present, log_times, 0.0), 0.0), context)
