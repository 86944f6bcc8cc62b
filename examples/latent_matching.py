"""Which point became which? Points are turned, blurred and shuffled; the turn is learned, no matching is shown."""

import jax
import jax.numpy as jnp
import optax

from vestige.estimators import LeaveOneOut, expect
from vestige.structures import Matching

POINTS, BLUR, ANGLE = 6, 0.05, 0.7
turn = jnp.array([[jnp.cos(ANGLE), -jnp.sin(ANGLE)], [jnp.sin(ANGLE), jnp.cos(ANGLE)]])


def pair(key):
    """Points before and after, and the true matching: row i is at column j where point i became point j."""
    keys = jax.random.split(key, 3)
    before = jax.random.normal(keys[0], (POINTS, 2))
    order = jax.random.permutation(keys[1], POINTS)
    after = (before @ turn.T + BLUR * jax.random.normal(keys[2], (POINTS, 2)))[order]
    return before, after, jax.nn.one_hot(order, POINTS).T


def distances(parameters, before, after):
    """(POINTS, POINTS), squared, from each point once it is moved to each that was seen afterwards."""
    moved = before @ parameters["map"].T
    return jnp.sum((moved[:, None] - after[None]) ** 2, axis=-1)


def matching(parameters, before, after):
    """Close points are matched first. The sharpness is learned with the map: a plain dictionary holds both."""
    return Matching(-jnp.exp(parameters["log_sharpness"]) * distances(parameters, before, after))


def loss(parameters, before, after, key):
    costs = distances(parameters, before, after)
    structure = matching(parameters, before, after)
    return expect(lambda matched: jnp.sum(matched * costs), structure, estimator=LeaveOneOut(draws=4), key=key)


@jax.jit
def update(parameters, state, key):
    before, after, _ = jax.vmap(pair)(jax.random.split(key, 32))
    keys = jax.random.split(jax.random.fold_in(key, 1), 32)
    mean = lambda parameters: jnp.mean(jax.vmap(loss, (None, 0, 0, 0))(parameters, before, after, keys))
    changes, state = optimiser.update(jax.grad(mean)(parameters), state)
    return optax.apply_updates(parameters, changes), state


optimiser = optax.adam(0.02)
parameters = {"map": jnp.eye(2), "log_sharpness": jnp.array(1.0)}
state = optimiser.init(parameters)
for key in jax.random.split(jax.random.key(0), 300):
    parameters, state = update(parameters, state, key)
before, after, truth = jax.vmap(pair)(jax.random.split(jax.random.key(1), 500))
found = jax.vmap(lambda before, after: matching(parameters, before, after).mode().value)(before, after)
print(f"matched right: {jnp.mean(jnp.sum(found * truth, (1, 2)) / POINTS):.2f} (by chance {1 / POINTS:.2f})")
print(f"angle learned: {jnp.arctan2(parameters['map'][1, 0], parameters['map'][0, 0]):.2f} (true {ANGLE})")
