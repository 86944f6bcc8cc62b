"""Arrays by name, taken out of a tree and put back."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.training.leaves import compiled, named_leaves, outlined, with_leaves


def made(key=None):
    return {
        "net": eqx.nn.Linear(2, 3, key=jax.random.key(0) if key is None else key),
        "words": "a",
        "half": jnp.ones(2, jnp.bfloat16),
    }


def test_an_outline_filled_with_the_leaves_is_the_tree():
    tree, outline = made(), outlined(made, jax.random.key(0))
    leaves = named_leaves(tree)
    assert set(leaves) == {"net.weight", "net.bias", "half"}
    assert isinstance(outline["half"], jax.ShapeDtypeStruct) and outline["words"] == "a"
    for template in (tree, outline):
        back = with_leaves(template, {name: np.asarray(leaf) for name, leaf in leaves.items()})
        assert eqx.tree_equal(back, tree)


def test_a_compiled_tree_is_the_one_of_its_operations():
    tree, key = compiled(made, jax.random.key(3)), jax.random.key(3)
    assert jax.tree.structure(tree) == jax.tree.structure(made(key))
    for name, leaf in named_leaves(made(key)).items():
        np.testing.assert_allclose(named_leaves(tree)[name], leaf, rtol=0, atol=1e-7)


@pytest.mark.parametrize("way", [outlined, compiled])
@pytest.mark.parametrize("look", [float, lambda sum_: float(np.asarray(sum_))])
def test_what_looks_at_its_arrays_is_made_as_it_is(way, look):
    tree = way(lambda key: jnp.ones(3) * look(jnp.sum(jax.random.uniform(key, (2,)) < 2)), jax.random.key(0))
    np.testing.assert_array_equal(tree, [2, 2, 2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"half": None}, r"half: stored absent, expected bfloat16\[2\]"),
        ({"more": np.zeros(1, np.float32)}, r"more: stored float32\[1\], expected absent"),
        ({"half": np.zeros(2, np.float32)}, r"half: stored float32\[2\], expected bfloat16\[2\]"),
        ({"net.bias": np.zeros(4, np.float32)}, r"net\.bias: stored float32\[4\], expected float32\[3\]"),
    ],
)
def test_other_arrays_are_refused(change, said):
    leaves = {name: leaf for name, leaf in (named_leaves(made()) | change).items() if leaf is not None}
    with pytest.raises(ValueError, match=said):
        with_leaves(outlined(made, jax.random.key(0)), leaves)
