"""The filter and the smoother against dense conditioning of all states at once, a closed form, and dynamax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks.filtering import LinearGaussian, SensorFusion, default_noise, kalman_filter, oscillator, smooth


@pytest.fixture
def double():
    """float64, which the comparison to 1e-10 needs."""
    with jax.enable_x64(True):
        yield


def world(rng, d=3, r=2):
    spread = lambda n: (lambda a: a @ a.T / n + 0.1 * np.eye(n))(rng.normal(size=(n, n)))
    arrays = 0.6 * rng.normal(size=(d, d)), spread(d), rng.normal(size=(r, d)), rng.normal(size=d), spread(d)
    return LinearGaussian(*(jnp.asarray(a) for a in arrays))


def dense(model, noise, steps):
    """Mean and covariance of all states and all observations stacked, from the definition alone."""
    A, Q, C, m, P = (
        np.asarray(x) for x in (model.transition, model.process, model.emission, model.mean, model.covariance)
    )
    d, r = len(m), len(C)
    mean, cov = np.zeros(steps * d), np.zeros((steps * d, steps * d))
    for t in range(steps):
        now = slice(t * d, (t + 1) * d)
        mean[now], cov[now, now] = m, P
        for s in range(t):
            block = np.linalg.matrix_power(A, t - s) @ cov[s * d : (s + 1) * d, s * d : (s + 1) * d]
            cov[now, s * d : (s + 1) * d], cov[s * d : (s + 1) * d, now] = block, block.T
        m, P = A @ m, A @ P @ A.T + Q
    look = np.kron(np.eye(steps), C)
    R = np.zeros((steps * r, steps * r))
    for t in range(steps):
        R[t * r : (t + 1) * r, t * r : (t + 1) * r] = noise[t]
    return mean, cov, look, R


def conditioned(mean, cov, look, R, y, known):
    look, R, y = look[known], R[np.ix_(known, known)], y[known]
    S = look @ cov @ look.T + R
    gain = np.linalg.solve(S, look @ cov).T
    e = y - look @ mean
    score = -0.5 * (e @ np.linalg.solve(S, e) + np.linalg.slogdet(S)[1] + len(y) * np.log(2 * np.pi))
    return mean + gain @ e, cov - gain @ look @ cov, score


@pytest.mark.parametrize("missing", [(), (2,), (0, 4), (1, 2)])
def test_equal_to_dense_conditioning(missing, double):
    rng, steps, d, r = np.random.default_rng(3), 5, 3, 2
    model = world(rng)
    noise = np.stack([np.diag(rng.uniform(0.2, 2, r)) + 0.1 for _ in range(steps)])
    y = rng.normal(size=(steps, r))
    y[list(missing)] = np.nan
    beliefs = jax.jit(kalman_filter)(model, jnp.asarray(y), jnp.asarray(noise))
    hindsight = jax.jit(smooth)(model, beliefs)
    stacked = dense(model, noise, steps)
    known = np.repeat(~np.isnan(y[:, 0]), r)

    def block(t, s, of):
        return of[t * d : (t + 1) * d, s * d : (s + 1) * d]

    tight = {"rtol": 0, "atol": 1e-10}
    for t in range(steps):
        early = known & (np.arange(steps * r) < (t + 1) * r)
        mean, cov, _ = conditioned(*stacked, y.reshape(-1), early)
        np.testing.assert_allclose(beliefs.means[t], mean[t * d : (t + 1) * d], **tight)
        np.testing.assert_allclose(beliefs.covariances[t], block(t, t, cov), **tight)
        before = known & (np.arange(steps * r) < t * r)
        mean, cov, _ = conditioned(*stacked, y.reshape(-1), before)
        np.testing.assert_allclose(beliefs.predicted_means[t], mean[t * d : (t + 1) * d], **tight)
        np.testing.assert_allclose(beliefs.predicted_covariances[t], block(t, t, cov), **tight)
    mean, cov, score = conditioned(*stacked, y.reshape(-1), known)
    np.testing.assert_allclose(hindsight.means.reshape(-1), mean, **tight)
    np.testing.assert_allclose(beliefs.log_likelihood, score, **tight)
    for t in range(steps):
        np.testing.assert_allclose(hindsight.covariances[t], block(t, t, cov), **tight)
        if t + 1 < steps:
            np.testing.assert_allclose(hindsight.lag_one[t], block(t + 1, t, cov), **tight)


def test_steady_variance_solves_the_riccati_equation(double):
    """And the sensors' closed form is that fixed point, with the poles of the notes' check 6."""
    for sensors, pole in ((2, 0.5859435513), (3, 0.5986161100)):
        task = SensorFusion(noise=default_noise(sensors))
        assert abs(task.pole - pole) < 1e-10
        model = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), task.model())
        model = LinearGaussian(
            0.9 * jnp.ones((1, 1)), 0.19 * jnp.ones((1, 1)), model.emission, model.mean, model.covariance
        )
        noise = jnp.broadcast_to(jnp.diag(jnp.asarray(task.noise)), (200, sensors, sensors))
        beliefs = kalman_filter(model, jnp.zeros((200, sensors)), noise)
        P = float(beliefs.predicted_covariances[-1, 0, 0])
        assert abs(0.81 * (P - P * P / (P + 1 / task.precision)) + 0.19 - P) < 1e-12
        assert abs(P - task.predicted_variance) < 1e-12
        assert abs(float(beliefs.covariances[-1, 0, 0]) - task.steady_variance) < 1e-12


def test_mean_squared_error_is_the_mean_covariance(key):
    """A filter that knows the truth is as wrong as it thinks; hindsight less, the present alone more."""
    steps, rows, r = 200, 400, 0.0012
    lti = oscillator()
    model = lti.model()

    def one(key):
        key_states, key_seen = jax.random.split(key)
        states = lti.trajectory(steps, key=key_states)[:, 0]
        y = states[:, :1] + jnp.sqrt(r) * jax.random.normal(key_seen, (steps, 1))
        beliefs = kalman_filter(model, y, jnp.full((steps, 1, 1), r))
        hindsight = smooth(model, beliefs)
        off = lambda means: jnp.mean(jnp.square(means[100:, 0] - states[100:, 0]))
        inner = slice(100, 180)  # the end of a sequence has no hindsight
        later = jnp.mean(jnp.square(hindsight.means[inner, 0] - states[inner, 0]))
        return (
            off(beliefs.means),
            jnp.mean(beliefs.covariances[100:, 0, 0]),
            later,
            jnp.mean(hindsight.covariances[inner, 0, 0]),
        )

    error, told, later, told_later = jax.jit(jax.vmap(one))(jax.random.split(key, rows))
    for found, expected in ((error, told), (later, told_later)):
        standard_error = float(jnp.std(found)) / np.sqrt(rows)
        assert abs(float(jnp.mean(found) - jnp.mean(expected))) < 4 * standard_error
        assert standard_error < 0.1 * float(jnp.mean(expected))
    assert float(jnp.mean(later)) < float(jnp.mean(error)) < r


def test_against_dynamax():
    inference = pytest.importorskip(
        "dynamax.linear_gaussian_ssm.inference", reason="needs dynamax: pip install 'vestige[oracle]'"
    )
    rng, steps = np.random.default_rng(5), 40
    model = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), world(rng))
    noise = jnp.asarray(np.diag([0.5, 1.5]), jnp.float32)
    y = jnp.asarray(rng.normal(size=(steps, 2)), jnp.float32)
    zero = lambda *shape: jnp.zeros(shape)
    params = inference.ParamsLGSSM(
        initial=inference.ParamsLGSSMInitial(mean=model.mean, cov=model.covariance),
        dynamics=inference.ParamsLGSSMDynamics(
            weights=model.transition, bias=zero(3), input_weights=zero(3, 0), cov=model.process
        ),
        emissions=inference.ParamsLGSSMEmissions(
            weights=model.emission, bias=zero(2), input_weights=zero(2, 0), cov=noise
        ),
    )
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        theirs = inference.lgssm_smoother(params, y)
    beliefs = kalman_filter(model, y, jnp.broadcast_to(noise, (steps, 2, 2)))
    hindsight = smooth(model, beliefs)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)
    close(beliefs.log_likelihood, theirs.marginal_loglik)
    close(beliefs.means, theirs.filtered_means)
    close(beliefs.covariances, theirs.filtered_covariances)
    close(hindsight.means, theirs.smoothed_means)
    close(hindsight.covariances, theirs.smoothed_covariances)
    lag = hindsight.lag_one + hindsight.means[1:, :, None] * hindsight.means[:-1, None, :]
    close(lag.transpose(0, 2, 1), theirs.smoothed_cross_covariances)
