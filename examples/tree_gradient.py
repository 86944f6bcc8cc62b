"""A distribution over trees is fitted to data that one tree made, with sampled gradients and with exact ones."""

import jax
import jax.numpy as jnp
import optax

from vestige.estimators import Exact, LeaveOneOut, expect
from vestige.structures import Arborescence, structure_log_prob

NODES, NOISE = 4, 0.5
# A node's value is that of its parent plus noise; node 0 is the root: 0 → 1 → 2, 0 → 3.
parents = jnp.array([0, 0, 1, 0])
chain = jax.random.normal(jax.random.key(1), (NODES, 12)) * jnp.array([1.0, NOISE, NOISE, NOISE])[:, None]
data = chain[0] + jnp.stack([0 * chain[0], chain[1], chain[1] + chain[2], chain[3]])
squares = jnp.sum((data[:, None] - data[None, :]) ** 2, axis=-1)
log_likelihoods = -squares / (2 * NOISE**2)  # of an arc u → v, up to a constant


# --8<-- [start:loss]
def loss(log_rates, estimator, key):
    """Minus the log-likelihood that a random tree is expected to have."""
    return -expect(lambda arcs: jnp.sum(arcs * log_likelihoods), Arborescence(log_rates), estimator=estimator, key=key)


# --8<-- [end:loss]


def learn(estimator, steps=300):
    optimiser = optax.adam(0.05)

    def step(carry, key):
        log_rates, state = carry
        value, gradient = jax.value_and_grad(loss)(log_rates, estimator, key)
        updates, state = optimiser.update(gradient, state)
        return (optax.apply_updates(log_rates, updates), state), value

    start = jnp.zeros((NODES, NODES))
    keys = jax.random.split(jax.random.key(0), steps)
    return jax.jit(lambda: jax.lax.scan(step, (start, optimiser.init(start)), keys)[0][0])()


tree = jnp.zeros((NODES, NODES)).at[parents[1:], jnp.arange(1, NODES)].set(1)
for name, estimator in {"leave one out, 4 draws": LeaveOneOut(draws=4), "exact": Exact()}.items():
    log_rates = learn(estimator)
    expected = loss(log_rates, Exact(), jax.random.key(0))
    probability = jnp.exp(structure_log_prob(Arborescence(log_rates), tree))
    print(f"{name}: expected loss {expected:.2f}, probability of the true tree {probability:.2f}")
