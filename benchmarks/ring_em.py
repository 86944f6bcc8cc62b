"""Linear dynamical systems fitted by EM to a ring's sensory estimates, beside the Kalman filter that knows the truth.

    python benchmarks/ring_em.py [--order 1 2] [--restarts 3] [--iterations 50] [--steps 300]

Needs dynamax (`pip install 'vestige[oracle]'`). EM sees what the authors' baselines see: the position decoded from
each step's spikes by itself. Two differences are dynamax's: one noise variance for all steps, where the sensor's
changes with the number of spikes, and positions on a line, which is right while the ring is hardly gone round. Each
order is fitted from several random starts on one set of sequences; the one of the highest likelihood is judged on
fresh sequences.
"""

import argparse
import time

import jax
import jax.numpy as jnp

from vestige.tasks.filtering import LinearGaussian, kalman_filter, ring_1d


def sensed(task, rows, key):
    """Decoded positions (rows, time, 1) with their variances, the true ones, and what the Kalman filter says."""

    def one(sequence):
        estimates, variances = jax.vmap(task.decode)(sequence.inputs)
        _, (filtered, _), _ = task.yardsticks(sequence)
        return estimates[:, 0], variances[:, 0], sequence.outcomes[:, :1], filtered

    return jax.jit(lambda k: jax.lax.map(one, task.batch(size=rows, key=k).inputs, batch_size=40))(key)


def fitted(order, seen, restarts, iterations, key):
    """Parameters of the best of several EM runs, and its log-likelihood per step."""
    from dynamax.linear_gaussian_ssm import LinearGaussianSSM

    model, best = LinearGaussianSSM(order, 1), (None, -jnp.inf)
    seen = seen.astype(jnp.float64)
    for start in jax.random.split(key, restarts):
        key_dynamics, key_look = jax.random.split(start)
        params, props = model.initialize(
            start,
            dynamics_weights=0.95 * jnp.eye(order) + 0.05 * jax.random.normal(key_dynamics, (order, order)),
            dynamics_covariance=1e-3 * jnp.eye(order),
            emission_weights=jnp.eye(1, order) + 0.1 * jax.random.normal(key_look, (1, order)),
            emission_covariance=2e-3 * jnp.eye(1),
        )
        params, scores = model.fit_em(params, props, seen, num_iters=iterations, verbose=False)
        if scores[-1] > best[1]:
            best = params, scores[-1]
    return best[0], float(best[1]) / seen[..., 0].size


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
    parser.add_argument("--iterations", type=int, default=50)
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
        with jax.enable_x64(True):  # in float32 the second-order state's covariance is not positive for long
            params, score = fitted(
                order, train, options.restarts, options.iterations, jax.random.fold_in(key_fit, order)
            )
        params = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
        mse = judged(params, test, true)
        print(
            f"EM, order {order}     {mse:.2e} rad², {mse / kalman:.2f} x Kalman, {score:.3f} nats a step, "
            f"{time.perf_counter() - begun:.0f} s"
        )


if __name__ == "__main__":
    main()
