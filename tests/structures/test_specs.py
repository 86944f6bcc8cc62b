"""The registered structures: what a specification says of its structure is true of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.plain import from_plain, to_plain
from vestige.spec import load
from vestige.structures.exact import all_winners
from vestige.structures.specs import STRUCTURES, StructureSpec, SubsetSpec

EXAMPLES = [
    pytest.param(name, spec, id=f"{name}-{spec.n}") for name in STRUCTURES for spec in type(STRUCTURES[name]).examples()
]


@pytest.mark.parametrize(("name", "spec"), EXAMPLES)
def test_what_is_said_of_a_structure(name, spec, key):
    point = jax.random.normal(key, (spec.coordinates,))
    structure = spec.build(point)
    assert isinstance(structure, load(spec.part))
    assert structure.log_rates.shape == spec.rates_shape
    assert jax.eval_shape(lambda key: structure.sample(key=key).value, key).shape == spec.value_shape
    assert spec.least_traces <= len(all_winners(structure))
    assert spec.summary
    assert from_plain(StructureSpec, to_plain(spec), where="x") == spec


@pytest.mark.parametrize(("name", "spec"), EXAMPLES)
def test_every_coordinate_is_one_key_of_its_own(name, spec):
    """Log-rates that are not free, such as those of arcs into the root, are in no coordinate."""
    point = jnp.arange(1.0, 1 + spec.coordinates)
    there = np.asarray(spec.build(point).log_rates)
    np.testing.assert_array_equal(np.unique(there[np.isfinite(there)]), np.asarray(point))


def test_the_size_of_a_subset_reaches_it(key):
    drawn = jax.jit(lambda key: SubsetSpec(5, 3).build(jnp.zeros(5)).sample(key=key).value)(key)
    assert float(drawn.sum()) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SubsetSpec(3, 4), "k must lie between 1 and n = 3, got 4"),
        (lambda: SubsetSpec(3, 0), "k must lie between 1 and n = 3, got 0"),
        *[(lambda spec=spec: type(spec)(1), "n must be at least 2, got 1") for spec in STRUCTURES.values()],
    ],
)
def test_sizes_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
