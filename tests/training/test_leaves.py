"""Arrays by name, taken out of a tree and put back."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.training.leaves import named_leaves, outlined, with_leaves


def made():
    return {"net": eqx.nn.Linear(2, 3, key=jax.random.key(0)), "words": "a", "half": jnp.ones(2, jnp.bfloat16)}


def test_an_outline_filled_with_the_leaves_is_the_tree():
    tree, outline = made(), outlined(made)
    leaves = named_leaves(tree)
    assert set(leaves) == {"net.weight", "net.bias", "half"}
    assert isinstance(outline["half"], jax.ShapeDtypeStruct) and outline["words"] == "a"
    for template in (tree, outline):
        back = with_leaves(template, {name: np.asarray(leaf) for name, leaf in leaves.items()})
        assert eqx.tree_equal(back, tree)


def test_what_looks_at_its_arrays_is_made_as_it_is():
    tree = outlined(lambda: jnp.ones(3) * float(jnp.sum(jnp.ones(2))))
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
        with_leaves(outlined(made), leaves)
