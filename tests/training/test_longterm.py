"""Rules on long sequences under the one driver: what they learn, and that a run cut in two is the same run."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.rules.longterm import cues, token_model
from vestige.rules import HindsightScore, MemUP, Truncated
from vestige.tasks import AbstractTask
from vestige.training import Run, fit

LENGTH = 52


class CueRecall(AbstractTask):
    """Which symbol stood at the first step is asked at the last."""

    def batch(self, *, size, key):
        return cues(size, LENGTH, key=key)

    def evaluate(self, model, *, size, key):
        def one(sequence):
            window = sequence.window(jnp.array(0), LENGTH)
            _, memories = model.encode(model.init(), window.inputs)
            return jnp.argmax(model.predict(memories[-1], window.inputs[-1])) == window.outcomes[-1]

        return {"accuracy": jnp.mean(jax.vmap(one)(self.batch(size=size, key=key).inputs))}

    def bounds(self, metrics):
        return {"accuracy": {"best": 1.0, "chance": 0.25}}


def trained(rule, *, steps, run=None):
    model = token_model(key=jax.random.key(0), hidden=32)
    arguments = {"rule": rule, "optimiser": optax.adam(3e-3), "key": jax.random.key(1), "batch_size": 32}
    return fit(model, CueRecall(), steps=steps, run=run, **arguments)


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "low", "high"), [(MemUP(5, 1, scan_chunk=52), 0.95, 1.0), (Truncated(5), 0.0, 0.45)])
def test_memup_carries_a_cue_over_ten_rollouts_and_truncation_loses_it(rule, low, high):
    result = trained(rule, steps=600)
    accuracy = CueRecall().evaluate(result.model, size=512, key=jax.random.key(2))["accuracy"]
    assert low <= float(accuracy) <= high


@pytest.mark.slow
def test_a_run_cut_in_two_is_the_same_run(tmp_path):
    """Check 18: sequences, offsets, states, targets and averages are all kept."""
    rule = MemUP(5, 2, scan_chunk=52, score=HindsightScore(), average=0.9)
    whole = trained(rule, steps=30)
    trained(rule, steps=13, run=Run(tmp_path / "run"))
    rest = trained(rule, steps=30, run=Run(tmp_path / "run"))
    same = lambda one, other: np.testing.assert_array_equal(one, other)
    jax.tree.map(same, rest.state.carry, whole.state.carry)
    jax.tree.map(lambda a, b: same(a, b) if isinstance(a, jax.Array) else None, rest.model, whole.model)
    assert int(rest.state.carry.slots.offset[0]) == 30 * 5 % 55
