"""Every registered task draws batches whose rows do not depend on each other, and says what it is evaluated by."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.capabilities import OF_TASKS
from vestige.registries import registry
from vestige.report.metrics import metric

TASKS = registry("task")


@pytest.mark.parametrize("name", TASKS)
def test_it_says_what_it_provides_and_by_what_it_is_evaluated(name):
    spec = TASKS[name]
    assert spec.provides and spec.provides <= set(OF_TASKS)
    assert metric(spec.metric).label and spec.summary()
    assert any(model.needs in spec.provides for model in registry("model").values())


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.few(6)
def test_a_row_of_a_batch_is_a_function_of_the_key_and_its_number(name):
    spec = TASKS[name]
    task = spec.dummy_build(key=jax.random.key(0))
    draw = eqx.filter_jit(lambda task, size, key: task.batch(size=size, key=key))
    key = jax.random.key(1)
    two, one = (jax.tree.leaves(draw(task, size, key)) for size in (2, 1))
    for many, alone in zip(two, one, strict=True):
        if jnp.issubdtype(many.dtype, jax.dtypes.prng_key):
            many, alone = jax.random.key_data(many), jax.random.key_data(alone)
        np.testing.assert_allclose(
            np.asarray(many)[:1], np.asarray(alone), rtol=1e-5, atol=1e-6
        )  # sums of two programs
