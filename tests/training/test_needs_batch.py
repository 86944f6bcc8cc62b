"""A rule that works through a batch in several updates is given one only when it asks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.drawn import drawn
from tests.rules.longterm import token_model
from vestige.rules import AbstractRule, Alternating, MemUP, Partial, RandomlyTruncated, Step, Truncated
from vestige.tasks import AbstractTask
from vestige.tasks.longterm import Recall
from vestige.training import fit
from vestige.typing import Batch

UPDATES = 7


class Numbers(AbstractTask):
    """Batches of the same number, another one at every drawing, with keys beside it."""

    def batch(self, *, size, key):
        number = jax.random.randint(key, (), 1, 100_000).astype(jnp.float32)
        return Batch({"numbers": jnp.full((size, 3), number), "keys": jax.random.split(key, size)})

    def evaluate(self, model, *, size, key):
        return {}

    def bounds(self, metrics):
        return {}


class Thirds(AbstractRule):
    """Asks at every third update, and keeps what each batch summed to."""

    def init(self, model, batch, *, key):
        return jnp.zeros((), jnp.int32), jnp.full(UPDATES, -1.0)

    def needs_batch(self, carry):
        return carry[0] % 3 == 0

    def step(self, model, carry, batch, *, key):
        count, sums = carry
        jax.random.key_data(batch.inputs["keys"])  # a key even where nothing was drawn
        sums = sums.at[count].set(jnp.sum(batch.inputs["numbers"]))
        return Step(jax.tree.map(jnp.zeros_like, model), (count + 1, sums), {"loss": jnp.zeros(())})


class Always(AbstractRule):
    """The same, without saying when."""

    rule: AbstractRule

    def init(self, model, batch, *, key):
        return self.rule.init(model, batch, key=key)

    def step(self, model, carry, batch, *, key):
        return self.rule.step(model, carry, batch, key=key)


class Weight(eqx.Module):
    w: jax.Array


def sums(rule):
    found = fit(
        Weight(jnp.zeros(())),
        Numbers(),
        rule=rule,
        optimiser=optax.sgd(0.1),
        steps=UPDATES,
        key=jax.random.key(0),
        batch_size=2,
    )
    return np.asarray(found.state.carry[1])


@pytest.mark.slow
def test_a_batch_comes_when_it_is_asked_for_and_otherwise_the_last_or_a_blank_one():
    found, every = sums(Thirds()), sums(Always(Thirds()))
    assert len(set(every.tolist())) == UPDATES and (every >= 6).all()
    np.testing.assert_array_equal(found[::3], every[::3])
    for unasked in (1, 2, 4, 5):  # blank where a compiled call begins, which is a matter of speed
        assert found[unasked] in (0, every[3 * (unasked // 3)])


SLOTTED = {
    "memup": MemUP(4, 1, scan_chunk=12, average=0.9),
    "cut at random": RandomlyTruncated(4, 0.5, 2),
    "stages": Alternating(Truncated(4), MemUP(4, 1, scan_chunk=12), 3),
}


def learned(rule, task):
    model = token_model(key=jax.random.key(0), tokens=task.tokens, classes=task.classes, hidden=4)
    arguments = {"rule": rule, "optimiser": optax.adam(1e-2), "key": jax.random.key(1), "batch_size": 3}
    return fit(model, task, steps=9, **arguments)


@pytest.mark.slow
@pytest.mark.parametrize("rule", SLOTTED.values(), ids=SLOTTED)
def test_what_is_learned_does_not_depend_on_who_is_asked(rule):
    """Sequences of many lengths, so that some places are filled while others go on."""
    task = Recall(10, min_distance=1)
    asked, always = learned(rule, task), learned(Always(rule), task)
    jax.tree.map(np.testing.assert_array_equal, *(eqx.filter(r.model, eqx.is_array) for r in (asked, always)))
    assert asked.history[-1]["loss"] == always.history[-1]["loss"]


@pytest.mark.parametrize(
    "rule",
    [Truncated(4), pytest.param(MemUP(4, 1, scan_chunk=12), marks=pytest.mark.slow)],
    ids=lambda rule: type(rule).__name__,
)
@pytest.mark.slow
def test_sequences_are_wanted_where_some_are_over(rule):
    """12 steps in rollouts of 4: at the first update, and then at every third."""
    task, key = Recall(10), jax.random.key(0)
    model = drawn(lambda key: token_model(key=key, tokens=task.tokens, classes=task.classes, hidden=4))
    batch = task.batch(size=2, key=key)
    carry, asked = rule.init(model, batch, key=key), []
    step = eqx.filter_jit(rule.step)
    for _ in range(5):
        asked.append(bool(rule.needs_batch(carry)))
        carry = step(model, carry, batch, key=key).carry
    assert asked == [True, False, False, True, False]


def test_rules_in_turn_and_for_a_part_ask_as_those_they_hold():
    first, second = Thirds(), Always(Thirds())
    stages = Alternating(first, second, 2)
    carry = stages.init(None, Batch(jnp.zeros((2, 1))), key=jax.random.key(0))
    for done, count, wanted in ((0, 0, True), (1, 1, False), (2, 2, True)):
        now = carry._replace(first=(jnp.array(count), carry.first[1]), done=jnp.array(done))
        assert bool(stages.needs_batch(now)) == wanted
    assert Alternating(second, second, 2).needs_batch(carry) is True
    assert not Partial("w", first).needs_batch((jnp.array(1), None))
