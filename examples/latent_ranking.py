"""In which order should jobs be done? A scheduler learns it from waiting times; no good order is shown."""

import jax
import jax.numpy as jnp
import optax

from vestige.estimators import LeaveOneOut, expect
from vestige.structures import Permutation

JOBS = 6


def durations(key):
    """Hours that each job takes. The shortest first is the best order there is."""
    return jax.random.uniform(key, (JOBS,), minval=0.2, maxval=3.0)


def waiting(order, hours):
    """Hours until a job is done, on average. Row i of `order` is the indicator of the job that comes i-th."""
    return jnp.mean(jnp.cumsum(order @ hours))


def scheduler(parameters, hours):
    """Log-rates of the jobs: a small network of plain arrays, from how long a job takes to how early it should come."""
    hidden = jnp.tanh(hours[:, None] * parameters["first"] + parameters["bias"])
    return Permutation(hidden @ parameters["second"])


def loss(parameters, hours, key):
    """The expected waiting time."""
    order = scheduler(parameters, hours)
    return expect(lambda order: waiting(order, hours), order, estimator=LeaveOneOut(draws=4), key=key)


@jax.jit
def update(parameters, state, key):
    hours = jax.vmap(durations)(jax.random.split(key, 64))
    keys = jax.random.split(jax.random.fold_in(key, 1), 64)
    mean = lambda parameters: jnp.mean(jax.vmap(loss, (None, 0, 0))(parameters, hours, keys))
    changes, state = optimiser.update(jax.grad(mean)(parameters), state)
    return optax.apply_updates(parameters, changes), state


optimiser = optax.adam(0.02)
key_first, key_bias, key_second, key_run, key_test = jax.random.split(jax.random.key(0), 5)
parameters = {
    "first": jax.random.normal(key_first, (16,)),
    "bias": jax.random.normal(key_bias, (16,)),
    "second": 0.1 * jax.random.normal(key_second, (16,)),
}
state = optimiser.init(parameters)
for key in jax.random.split(key_run, 400):
    parameters, state = update(parameters, state, key)
hours = jax.vmap(durations)(jax.random.split(key_test, 500))
found = jnp.mean(jax.vmap(lambda hours: waiting(scheduler(parameters, hours).mode().value, hours))(hours))
best = jnp.mean(jnp.cumsum(jnp.sort(hours), axis=1))
print(f"waiting {found:.3f} h; best possible {best:.3f}; in any order {jnp.mean(hours) * (JOBS + 1) / 2:.3f}")
