"""A rule that works through a batch in several updates is given one only when it asks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from vestige.rules import AbstractRule, Step
from vestige.tasks import AbstractTask
from vestige.training import fit
from vestige.typing import Batch

UPDATES = 7


class Ones(AbstractTask):
    """Batches of ones, each with a key beside it."""

    def batch(self, *, size, key):
        return Batch({"ones": jnp.ones((size, 3)), "keys": jax.random.split(key, size)})

    def evaluate(self, model, *, size, key):
        return {}

    def bounds(self, metrics):
        return {}


class Thirds(AbstractRule):
    """Asks at every third update, and keeps what each batch summed to."""

    def init(self, model, batch, *, key):
        return jnp.zeros((), jnp.int32), jnp.full(UPDATES, -1.0)

    def asks(self, carry):
        return carry[0] % 3 == 0

    def step(self, model, carry, batch, *, key):
        count, sums = carry
        jax.random.key_data(batch.inputs["keys"])  # a key even where nothing was drawn
        sums = sums.at[count].set(jnp.sum(batch.inputs["ones"]))
        return Step(jax.tree.map(jnp.zeros_like, model), (count + 1, sums), {"loss": jnp.zeros(())})


class Always(AbstractRule):
    """The same, without saying when."""

    rule: Thirds = Thirds()

    def init(self, model, batch, *, key):
        return self.rule.init(model, batch, key=key)

    def step(self, model, carry, batch, *, key):
        return self.rule.step(model, carry, batch, key=key)


class Weight(eqx.Module):
    w: jax.Array


def sums(rule):
    found = fit(
        Weight(jnp.zeros(())),
        Ones(),
        rule=rule,
        optimiser=optax.sgd(0.1),
        steps=UPDATES,
        key=jax.random.key(0),
        batch_size=2,
    )
    return np.asarray(found.state.carry[1])


def test_a_batch_comes_when_it_is_asked_for_and_a_blank_one_otherwise():
    np.testing.assert_array_equal(sums(Thirds()), [6, 0, 0, 6, 0, 0, 6])


def test_a_rule_that_says_nothing_gets_a_batch_every_time():
    np.testing.assert_array_equal(sums(Always()), 6)
