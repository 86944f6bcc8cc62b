"""Missing values drawn given what comes before, beside and after them: beside exact conditioning."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.filtering.test_forecasting import Linear, linear, repeat
from vestige.models.families import Gaussian
from vestige.models.filters import FactorFilter, RecurrentVAE
from vestige.tasks.filtering import Bare
from vestige.tasks.filtering.smoothing import smoothed_steps, start
from vestige.tasks.filtering.step_reader import StepReader

STEPS, PARTICLES = 7, 4096


class Completing(Linear):
    """Also draws what is missing: given the state, values are independent."""

    def completed(self, state, observation, *, key):
        there = ~jnp.isnan(observation)
        mean = self.emission @ state
        drawn = mean + jnp.sqrt(self.noise) * jax.random.normal(key, mean.shape)
        errors = jnp.where(there, observation - mean, 0.0)
        each = -0.5 * (errors**2 / self.noise + jnp.log(2 * jnp.pi * self.noise))
        return jnp.where(there, observation, drawn), jnp.sum(jnp.where(there, each, 0.0))


def joint(model):
    """Covariance of y_1 … y_T, (T · 2) squared: each is C x plus noise, and x a sum of the y before."""
    a, k, c, r = (np.asarray(each, np.float64) for each in (model.transition, model.gain, model.emission, model.noise))
    of_noise = np.zeros((STEPS, 2, STEPS, 2))
    state = np.zeros((2, STEPS, 2))
    for t in range(STEPS):
        of_noise[t] = np.einsum("ij,jsk->isk", c, state)
        of_noise[t, :, t] += np.diag(np.sqrt(r))
        state = np.einsum("ij,jsk->isk", a, state) + np.einsum("ij,jsk->isk", k, of_noise[t])
    flat = of_noise.reshape(STEPS * 2, STEPS * 2)
    return flat @ flat.T


def exact(model, seen):
    """Mean and variance of what is missing given what is there."""
    covariance, flat = joint(model), seen.reshape(-1)
    gone, there = np.flatnonzero(np.isnan(flat)), np.flatnonzero(~np.isnan(flat))
    gain = np.linalg.solve(covariance[np.ix_(there, there)], covariance[np.ix_(there, gone)]).T
    return (
        gone,
        gain @ flat[there],
        np.diag(covariance)[gone] - np.einsum("ij,ij->i", gain, covariance[np.ix_(gone, there)]),
    )


def smoothed(model, seen, *, lag, chunk=None, resets=None):
    chunk = chunk or STEPS + lag
    reader = StepReader(model, Bare(), repeat(2), jax.random.key(0))
    padded = np.full((STEPS + lag, 2), np.nan, np.float32)
    padded[:STEPS] = seen
    begins = np.zeros(STEPS + lag, bool) if resets is None else resets
    now, found = start(reader, PARTICLES, lag, 2), []
    for first in range(0, STEPS + lag, chunk):
        part = slice(first, first + chunk)
        arguments = jnp.asarray(padded[part]), jnp.asarray(begins[part]), jnp.asarray(first, jnp.uint32)
        counted = jnp.asarray(len(padded[part]), jnp.uint32)
        now, read = smoothed_steps(reader, now, *arguments, counted, jax.random.key(3))
        found.append(read)
    frames = np.concatenate([np.asarray(each.frames) for each in found])[lag:]
    return frames.astype(np.float64), np.concatenate([np.asarray(each.weights) for each in found])[lag:].astype(
        np.float64
    )


GONE = [(1, 0), (2, 0), (2, 1), (3, 1), (5, 0)]


def gappy():
    seen = 1.5 * np.random.default_rng(2).normal(size=(STEPS, 2))
    for place in GONE:
        seen[place] = np.nan
    return seen


def moments(frames, weights):
    mean = np.einsum("tn,tnp->tp", weights, frames)
    variance = np.einsum("tn,tnp->tp", weights, np.square(frames - mean[:, None]))
    return mean, variance, 1 / np.square(weights).sum(axis=1)[:, None]


@pytest.mark.parametrize("sharp", [1.0, 0.1])
def test_missing_values_have_the_exact_law_given_all_others(sharp):
    """With less noise few particles carry most of the weight, and they are drawn anew on the way."""
    seen, base = gappy(), linear()
    model = Completing(base.transition, base.gain, base.emission, sharp * base.noise)
    gone, mean, variance = exact(model, seen)
    frames, weights = smoothed(model, seen, lag=STEPS)
    found, spread, size = moments(frames, weights)
    there = ~np.isnan(seen)
    np.testing.assert_allclose(found[there], seen[there], rtol=1e-5)
    # particles that were drawn anew share ancestors: a quarter of their number is taken to be independent
    error = np.sqrt(variance / (np.broadcast_to(size, seen.shape).reshape(-1)[gone] / 4))
    assert (np.abs(found.reshape(-1)[gone] - mean) < 4 * error).all()
    assert (np.abs(spread.reshape(-1)[gone] / variance - 1) < 0.2).all()
    # which is another law than that of who knows only what came before
    early, _, _ = moments(*smoothed(model, seen, lag=0))
    assert (np.abs(early.reshape(-1)[gone] - mean) > 4 * error).any()


def test_chunks_and_documents():
    seen, base = gappy(), linear()
    model = Completing(base.transition, base.gain, base.emission, base.noise)
    whole, _, _ = moments(*smoothed(model, seen, lag=STEPS))
    cut, _, _ = moments(*smoothed(model, seen, lag=STEPS, chunk=STEPS))
    np.testing.assert_allclose(cut, whole, atol=1e-4)
    resets = np.arange(2 * STEPS) == 2
    late, _, _ = moments(*smoothed(model, seen, lag=STEPS, resets=resets))
    other = seen.copy()
    other[:2] = 9.0
    again, _, _ = moments(*smoothed(model, other, lag=STEPS, resets=resets))
    np.testing.assert_allclose(late[2:], again[2:], atol=0.1)  # another document's values do not matter


@pytest.mark.parametrize("kind", ["factor", "vae"])
@pytest.mark.few(1)
def test_models_weigh_their_samples(kind):
    """Mean weight is the likelihood of what is there; the weighted mean that of the missing value given it."""
    if kind == "factor":
        model = FactorFilter(3, 2, key=jax.random.key(1))
    else:
        model = RecurrentVAE(Gaussian(3), 2, width=6, key=jax.random.key(4))
    state, seen = jnp.array([0.4, -0.2]), jnp.array([0.5, jnp.nan, -0.3])
    draw = jax.jit(jax.vmap(lambda k: model.completed(state, seen, key=k)))
    drawn, logs = (np.asarray(each, np.float64) for each in draw(jax.random.split(jax.random.key(1), 4000)))
    assert (drawn[:, [0, 2]] == np.asarray(seen)[[0, 2]].astype(np.float32)).all()
    parts = model.seeing_parts()
    score = jax.jit(jax.vmap(lambda k: parts.log_predictive(state, seen, key=k)))
    scores = np.exp(np.asarray(score(jax.random.split(jax.random.key(2), 100)), np.float64))
    weights = np.exp(logs)
    error = np.sqrt(weights.var() / 4000 + scores.var() / 100)
    assert abs(weights.mean() - scores.mean()) < 4 * error + 1e-6
    # by whole steps drawn from the model, those near what is there
    near = np.asarray(
        jax.jit(jax.vmap(lambda k: model.draw(state, key=k)))(jax.random.split(jax.random.key(5), 50_000))
    )
    close = (np.abs(near[:, [0, 2]] - np.asarray(seen)[[0, 2]]) < 0.15).all(axis=1)
    mean = (weights * drawn[:, 1]).sum() / weights.sum()
    spread = near[close, 1].std() * np.sqrt(1 / close.sum() + weights.var() / weights.mean() ** 2 / 4000 + 1 / 4000)
    assert close.sum() > 100 and abs(mean - near[close, 1].mean()) < 4 * spread + 0.02
    nothing, weight = model.completed(state, jnp.full(3, jnp.nan), key=jax.random.key(0))
    assert np.isfinite(nothing).all() and float(weight) == 0.0
