"""Linear dynamical systems fitted by EM to a ring's sensory estimates, beside the Kalman filter that knows the truth.

    python benchmarks/ring_em.py [--order 1 2] [--restarts 3] [--iterations 50] [--steps 300]

Needs dynamax (`pip install 'vestige[oracle]'`). EM sees what the authors' baselines see: the position decoded from
each step's spikes by itself. Two differences are dynamax's: one noise variance for all steps, where the sensor's
changes with the number of spikes, and positions on a line, which is right while the ring is hardly gone round. Each
order is fitted from several starts on one set of sequences; the one of the highest likelihood is judged on
fresh sequences.
"""

import argparse
import time

import jax
import jax.numpy as jnp

from vestige.tasks.filtering import LinearGaussian, kalman_filter, ring_1d

BLOCK = 10
"""Iterations after which it is looked whether EM is still finite; a run that is not ends where it was."""


def sensed(task, rows, key):
    """Decoded positions (rows, time, 1) with their variances, the true ones, and what the Kalman filter says."""

    def one(sequence):
        estimates, variances = jax.vmap(task.decode)(sequence.inputs)
        _, (filtered, _), _ = task.yardsticks(sequence)
        return estimates[:, 0], variances[:, 0], sequence.outcomes[:, :1], filtered

    return jax.jit(lambda k: jax.lax.map(one, task.batch(size=rows, key=k).inputs, batch_size=40))(key)


def of_several_sequences():
    """dynamax's model, with the covariance of the first state right where there are several sequences.

    Its M-step (1.0.3) has (sum x x' - (sum x)(sum x)') / N where (sum x x') / N - mean mean' belongs, which is negative
    for more than one sequence: the next E-step is NaN.
    """
    from dynamax.linear_gaussian_ssm import LinearGaussianSSM

    class OfSeveral(LinearGaussianSSM):
        def m_step(self, params, props, batch_stats, m_step_state):
            found, m_step_state = super().m_step(params, props, batch_stats, m_step_state)
            _, seconds, count = batch_stats[0]
            first = found.initial
            covariance = jnp.sum(seconds, axis=0) / jnp.sum(count) - jnp.outer(first.mean, first.mean)
            return found._replace(initial=first._replace(cov=covariance)), m_step_state

    return OfSeveral


def fitted(order, seen, restarts, iterations, key):
    """Parameters of the best of several EM runs, its log-likelihood per step, and how many runs stayed finite.

    Starts are chains in which each number is driven by the next and pulled back by the first, weakly and at random.
    """
    model, runs = of_several_sequences()(order, 1), []
    seen = seen.astype(jnp.float64)
    for start in jax.random.split(key, restarts):
        drive, pull = jax.random.uniform(start, (2,), minval=jnp.array([0.05, 0.0]), maxval=jnp.array([0.5, 0.1]))
        dynamics = jnp.diag(jnp.full(order, 0.98)) + jnp.diag(jnp.full(order - 1, drive), 1)
        params, props = model.initialize(
            start,
            dynamics_weights=dynamics.at[1:, 0].add(-pull),
            dynamics_covariance=1e-3 * jnp.eye(order),
            emission_weights=jnp.eye(1, order),
            emission_covariance=2e-3 * jnp.eye(1),
        )
        last = None
        for _ in range(max(1, iterations // BLOCK)):
            after, scores = model.fit_em(params, props, seen, num_iters=BLOCK, verbose=False)
            if not jnp.isfinite(scores[-1]):
                break
            params, last = after, float(scores[-1]) / seen[..., 0].size
        if last is not None:
            runs.append((last, params))
    if not runs:
        raise SystemExit(f"EM of order {order} did not stay finite from any of {restarts} starts; try more --restarts")
    score, params = max(runs, key=lambda run: run[0])
    return params, score, len(runs)


def judged(params, seen, true):
    world = LinearGaussian(
        params.dynamics.weights,
        params.dynamics.cov,
        params.emissions.weights,
        params.initial.mean,
        params.initial.cov,
    )
    bias = params.emissions.bias
    noise = jnp.broadcast_to(params.emissions.cov, (seen.shape[1], 1, 1))

    def one(y):
        return kalman_filter(world, y - bias[None], noise).means @ world.emission.T + bias[None]

    return float(jnp.mean(jnp.square(jax.jit(jax.vmap(one))(seen) - true)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--order", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    task = ring_1d(options.steps)
    key_train, key_test, key_fit = jax.random.split(jax.random.key(options.seed), 3)
    train, _, _, _ = sensed(task, options.rows, key_train)
    test, _, true, filtered = sensed(task, options.rows, key_test)
    kalman = float(jnp.mean(jnp.square(filtered - true)))
    print(f"present alone   {float(jnp.mean(jnp.square(test - true))):.2e} rad²")
    print(f"Kalman filter   {kalman:.2e} rad², true parameters")
    for order in options.order:
        begun = time.perf_counter()
        with jax.enable_x64(True):  # float32 does not keep covariances positive
            params, score, finite = fitted(
                order, train, options.restarts, options.iterations, jax.random.fold_in(key_fit, order)
            )
        params = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
        mse = judged(params, test, true)
        print(
            f"EM, order {order}     {mse:.2e} rad², {mse / kalman:.2f} x Kalman, {score:.3f} nats a step, "
            f"{finite} of {options.restarts} starts finite, {time.perf_counter() - begun:.0f} s"
        )


if __name__ == "__main__":
    main()
