"""The bounds against closed forms and against total densities."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from vestige.cells import AbstractCell
from vestige.memory import AbstractFeedbackMemory, AbstractMemory, Introspection
from vestige.models.temporal import (
    AbstractDecoder,
    AbstractEncoder,
    AbstractLikelihood,
    AbstractPosterior,
    AbstractPrior,
    MixturePrior,
    TemporalModel,
    elbo,
    importance_weighted_bound,
)
from vestige.numerics import DiagonalGaussian
from vestige.typing import Batch

LOG_P = -3.3425960  # log p(1, 2) of the chain below, check 2 of the notes
X = jnp.array([[1.0], [2.0]])


class Identity(AbstractEncoder):
    features_size: int = eqx.field(static=True)

    def __call__(self, frame: Float[Array, "*frame"]) -> Float[Array, " features"]:
        return frame.reshape(-1)


class Same(AbstractDecoder):
    def __call__(self, code: Float[Array, " code"]) -> Float[Array, "*frame"]:
        return code


class UnitNormal(AbstractLikelihood):
    def log_prob(self, parameters, frame):
        return DiagonalGaussian(parameters, jnp.zeros_like(parameters)).log_prob(frame)

    def mean(self, parameters):
        return parameters

    def sample(self, parameters, *, key):
        return parameters + jax.random.normal(key, parameters.shape)


class Counter(AbstractCell[Float[Array, ""]]):
    """Its output is the number of the step, from 0 on."""

    output_size: int = eqx.field(static=True, default=1)
    drive_size: int = eqx.field(static=True, default=1)

    def init(self):
        return jnp.zeros(())

    def __call__(self, state, x, drive=None):
        return state + 1, state[None]


class Last(AbstractMemory[Float[Array, " latent"]]):
    """The context is [z_{t-1}, t]."""

    context_size: int = eqx.field(static=True, default=2)

    def init(self):
        return jnp.zeros(1)

    def write(self, state, z, h):
        return z

    def read(self, state, h):
        return jnp.concatenate([state, h]), state, {}


class RandomWalk(AbstractPrior):
    def __call__(self, context: Float[Array, " context"], recollection) -> DiagonalGaussian:
        return DiagonalGaussian(context[:1], jnp.zeros(1))


class LinearPosterior(AbstractPosterior):
    """q1 = N(mean, variance); q2 = N((z1 + x) / 2, 0.5), which is exact."""

    mean: Array
    variance: float

    def project(self, features):
        return features

    def __call__(self, prior, context, projected):
        later = DiagonalGaussian((prior.mean + projected) / 2, jnp.full(1, 0.5 * np.log(0.5), jnp.float32))
        first = DiagonalGaussian(self.mean[None], jnp.full(1, 0.5 * np.log(self.variance), jnp.float32))
        return jax.tree.map(lambda a, b: jnp.where(context[1] == 0, a, b), first, later)


def chain(mean: float, variance: float) -> TemporalModel:
    """z1 ~ N(0,1), z2 ~ N(z1,1), x_t ~ N(z_t,1), as a generative temporal model."""
    return TemporalModel(
        encoder=Identity(1),
        decoder=Same(),
        likelihood=UnitNormal(),
        controller=Counter(),
        memory=Last(),
        prior=RandomWalk(),
        posterior=LinearPosterior(jnp.asarray(mean, jnp.float32), variance),
        condition_drive=None,
        latent_size=1,
    )


def one_particle(model, key):
    return importance_weighted_bound(model, Batch(X), particles=1, key=key)[0] * 2


def test_the_exact_posterior_has_no_variance(key):
    values = jax.jit(jax.vmap(lambda k: one_particle(chain(0.8, 0.4), k)))(jax.random.split(key, 500))
    np.testing.assert_allclose(values, LOG_P, atol=5e-6)


@pytest.mark.parametrize("form", ["single sample", "analytic KL"])
def test_the_filtering_posterior_has_the_known_gap(form, key):
    model = chain(0.5, 0.5)
    estimate = {
        "single sample": lambda k: one_particle(model, k),
        "analytic KL": lambda k: 2 * elbo(model, Batch(X), key=k)[0],
    }[form]
    values = jax.jit(jax.vmap(estimate))(jax.random.split(key, 100_000))
    error = float(jnp.std(values)) / np.sqrt(len(values))
    assert error < 0.005
    assert abs(float(jnp.mean(values)) + 3.4685238) < 4 * error


def test_more_particles_close_the_gap(key):
    def mean(particles):
        run = lambda k: importance_weighted_bound(chain(0.5, 0.5), Batch(X), particles=particles, key=k)[0]
        return 2 * float(jnp.mean(jax.jit(jax.vmap(run))(jax.random.split(key, 2000))))

    assert mean(1) < mean(10) < mean(100) < LOG_P + 0.01
    assert mean(100) > LOG_P - 0.01


def test_the_gap_is_what_the_particles_gain(key):
    bound = eqx.filter_jit(lambda model: importance_weighted_bound(model, Batch(X), particles=50, key=key))
    value, metrics = bound(chain(0.5, 0.5))
    assert float(metrics["gap"]) > 0
    _, exact = bound(chain(0.8, 0.4))
    assert abs(float(exact["gap"])) < 1e-5
    assert float(value) < 0


def test_the_reparameterised_gradient_is_unbiased(key):
    """d/dm of the exact bound at m = 0.5 with variance 0.4 is -(m - 0.8)/0.4 = 0.75."""

    def gradient(k):
        return jax.grad(lambda m: 2 * elbo(chain_at(m), Batch(X), key=k)[0])(jnp.float32(0.5))

    def chain_at(m):
        return eqx.tree_at(lambda c: c.posterior.mean, chain(0.5, 0.4), m)

    values = jax.jit(jax.vmap(gradient))(jax.random.split(key, 100_000))
    error = float(jnp.std(values)) / np.sqrt(len(values))
    assert error < 0.01
    assert abs(float(jnp.mean(values)) - 0.75) < 4 * error


@pytest.mark.slow
def test_the_sum_over_steps_is_the_joint(model, frames, key):
    """Σ (log p(x_t|z_t) - KL_t) and log p(x, z) - log q(z|x) have one mean, for every model."""
    model = eqx.tree_at(lambda m: m.posterior.network.output.weight, model, replace_fn=lambda w: 8 * w)  # KL matters

    def both(k):
        seen = model.filter(frames, key=k)
        fit = jnp.sum(jax.vmap(model.likelihood.log_prob)(seen.frame_parameters, frames))
        prior, posterior = (jnp.sum(g.log_prob(seen.latent)) for g in (seen.prior, seen.posterior))
        bound, metrics = elbo(model, Batch(frames), key=k)
        return bound * len(frames), fit + prior - posterior, metrics["kl"] * len(frames)

    ours, joint, kl = jax.jit(jax.vmap(both))(jax.random.split(key, 60_000))
    difference = np.asarray(ours - joint)
    assert 0.1 * float(kl.mean()) > 8 * difference.std() / np.sqrt(len(difference))  # a tenth of the KL would show
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(difference)) + 1e-5


class Constant(AbstractMemory[tuple[()]]):
    context_size: int = eqx.field(static=True)

    def init(self):
        return ()

    def write(self, state, z, h):
        return state

    def read(self, state, h):
        return jnp.full(self.context_size, 0.3), state, {}


def test_a_constant_context_makes_independent_vaes(model, frames, key):
    if model.transition_sees_frame or model.decoder_sees_context:
        pytest.skip("the pattern itself couples the frames")
    if isinstance(model.prior, MixturePrior) or isinstance(model.memory, AbstractFeedbackMemory):
        pytest.skip("the memory is part of the model")
    model = eqx.tree_at(lambda m: m.memory, model, Constant(model.memory.context_size))

    def bound(t, frame):
        alone = model.filter(frame[None], state=model.init()._replace(step=t), key=key)
        return alone.posterior.kl(alone.prior)[0] - model.likelihood.log_prob(alone.frame_parameters[0], frame)

    steps = jnp.arange(len(frames), dtype=jnp.int32)
    whole = jax.jit(lambda: elbo(model, Batch(frames), key=key)[1]["negative_bound_per_frame"])()
    np.testing.assert_allclose(whole, jax.jit(jax.vmap(bound))(steps, frames), rtol=1e-5)


class Reading(AbstractPrior):
    """N(what was read, 2 sigma²) while the gate is open, N(0, 1) before."""

    log_scale: float

    def __call__(self, context: Float[Array, " context"], recollection) -> DiagonalGaussian:
        return DiagonalGaussian(context, jnp.full(context.shape, self.log_scale))


class Blind(AbstractPosterior):
    """N(x, sigma²), whatever was read."""

    log_scale: float

    def project(self, features):
        return features

    def __call__(self, prior, context, projected):
        return DiagonalGaussian(projected, jnp.full(projected.shape, self.log_scale))


class Trusting(AbstractPosterior):
    def project(self, features):
        return features

    def __call__(self, prior, context, projected):
        return prior


@pytest.mark.parametrize(("posterior", "expected"), [(Blind, 0.5 * np.log(2)), (Trusting, 0.0)])
def test_an_oracle_reader_pays_what_theory_says(posterior, expected, key):
    """A fixed read l - 1 steps back: 0.3466 nat per dimension if q ignores the context, 0 if it follows."""
    l, k, latent, sigma = 4, 3, 50, 0.3
    memory = Introspection(latent, 1, slots=l, key=key)
    rows = latent + l
    weight = jnp.zeros((rows, 1)).at[l:].set(100.0)  # the gate opens with the step's number: 100 t - 350
    bias = jnp.full(rows, -350.0).at[:l].set(0.0).at[l - 1].set(100.0)
    memory = eqx.tree_at(lambda m: (m.interface.weight, m.interface.bias), memory, (weight, bias))
    follower = Trusting() if posterior is Trusting else Blind(float(np.log(sigma)))
    model = TemporalModel(
        encoder=Identity(latent),
        decoder=Same(),
        likelihood=UnitNormal(),
        controller=Counter(),
        memory=memory,
        prior=Reading(float(np.log(np.sqrt(2) * sigma))),
        posterior=follower,
        condition_drive=None,
        latent_size=latent,
    )
    fresh = jax.random.normal(key, (l, latent))
    frames = jnp.concatenate([fresh, fresh[:k]])
    draw = jax.jit(jax.vmap(lambda key: elbo(model, Batch(frames), key=key)[1]["kl_per_frame"]))
    kls = draw(jax.random.split(key, 400))
    recall = np.asarray(kls[:, l:]).mean(1) / latent
    error = recall.std() / np.sqrt(len(recall))
    assert abs(recall.mean() - expected) < 4 * error + 1e-6
