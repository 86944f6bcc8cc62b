"""One rule and then another, and rules for a part."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.rules import AbstractRule, Alternating, Gradient, Partial, Step
from vestige.typing import Batch


class Pair(eqx.Module):
    """Two numbers to be learned one after the other."""

    left: Any
    right: Any
    name: str = eqx.field(static=True, default="pair")


class Towards(AbstractRule):
    """Pull a number to `aim`; counts its updates."""

    aim: float = eqx.field(static=True)
    metric: str = eqx.field(static=True)

    def init(self, model, batch, *, key):
        return {"updates": jnp.zeros((), jnp.int32), "started": jnp.asarray(model, jnp.float32)}

    def step(self, model, carry, batch, *, key):
        error = model - self.aim
        carry = carry | {"updates": carry["updates"] + 1}
        return Step(error, carry, {"loss": error**2, self.metric: carry["updates"].astype(jnp.float32)})


BATCH = Batch(jnp.zeros((2, 1)))
MODEL = Pair(jnp.array(0.0), jnp.array(10.0))


def two(updates=3):
    return Alternating(Partial("left", Towards(1.0, "lefts")), Partial("right", Towards(2.0, "rights")), updates)


def trained(rule, optimiser, count, key):
    """All models and metrics on the way."""
    model, carry = MODEL, rule.init(MODEL, BATCH, key=key)
    state = optimiser.init(MODEL)
    step = eqx.filter_jit(rule.step)
    seen = []
    for i in range(count):
        proposed = step(model, carry, BATCH, key=jax.random.fold_in(key, i))
        carry = proposed.carry
        with jax.numpy_dtype_promotion("standard"):
            changes, state = optimiser.update(proposed.grads, state, model)
        model = eqx.apply_updates(model, changes)
        seen.append((model, proposed.metrics, carry))
    return seen


def test_each_has_its_turn(key):
    seen = trained(two(3), optax.sgd(0.5), 6, key)
    assert [float(m.left) for m, _, _ in seen] == [0.5, 0.75, 0.875, 0.875, 0.875, 0.875]
    assert [float(m.right) for m, _, _ in seen] == [10, 10, 10, 6, 4, 3]
    assert [float(metrics["stage"]) for _, metrics, _ in seen] == [0, 0, 0, 1, 1, 1]
    assert [float(metrics["lefts"]) for _, metrics, _ in seen] == [1, 2, 3, 0, 0, 0]
    assert [float(metrics["rights"]) for _, metrics, _ in seen] == [0, 0, 0, 1, 2, 3]
    assert [float(metrics["loss"]) for _, metrics, _ in seen][::5] == [1.0, 4.0]
    last = seen[-1][2]
    assert (int(last.first["updates"]), int(last.second["updates"]), int(last.done)) == (3, 3, 3)


@pytest.mark.parametrize("updates", [0, 9])
def test_a_stage_may_be_empty(updates, key):
    seen = trained(two(updates), optax.sgd(0.5), 3, key)
    assert {float(metrics["stage"]) for _, metrics, _ in seen} == {0.0 if updates else 1.0}


def test_a_part_is_trained_as_if_it_were_the_whole(key):
    def quality(number, example, *, key):
        return -jnp.sum(jnp.square(number.left - example.inputs)), {"noise": jax.random.normal(key)}

    inner = Pair(jnp.array(3.0), jnp.array(1.0))
    outer = Pair(jnp.array(2.0), inner)

    whole = Gradient(quality).step(inner, None, BATCH, key=key)
    part = Partial("right", Gradient(quality)).step(outer, None, BATCH, key=key)
    assert eqx.tree_equal(part.grads.right, whole.grads) and float(whole.grads.left) != 0
    assert float(part.grads.left) == 0 and isinstance(part.grads, Pair)
    assert part.metrics == whole.metrics


def test_optimisers_that_stop_in_time_leave_a_part_at_rest(key):
    """Adam's momentum moves what has no gradient; one that is masked does not, and starts afresh."""
    masked = optax.partition(
        {
            "left": optax.conditionally_mask(optax.adam(0.1), lambda step: step < 3),
            "right": optax.conditionally_mask(optax.adam(0.1), lambda step: step >= 3),
        },
        eqx.tree_at(lambda p: (p.left, p.right), MODEL, ("left", "right")),
    )
    loose, strict = (trained(two(3), optimiser, 5, key) for optimiser in (optax.adam(0.1), masked))
    assert float(loose[4][0].left) > float(loose[2][0].left)
    assert float(strict[4][0].left) == float(strict[2][0].left) == float(loose[2][0].left)
    assert float(strict[2][0].right) == 10
    np.testing.assert_allclose(strict[3][0].right, 9.9, rtol=1e-5)  # a first step of Adam is as long as the rate


def test_what_cannot_be_is_refused(key):
    with pytest.raises(ValueError, match="Alternating: updates must not be negative, got -1"):
        two(-1)
    with pytest.raises(ValueError, match=r"a field of the model, one of \['left', 'right', 'name'\]; got 'middle'"):
        Partial("middle", Towards(1.0, "x")).init(MODEL, BATCH, key=key)
