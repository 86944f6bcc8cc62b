"""The arrays of a model or a state, by name."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax


def outlined(make: Callable[[], Any]) -> Any:
    """What `make` returns, with shapes and dtypes in place of its arrays: nothing is compiled or computed.

    Where `make` looks at the values of its arrays, it is called as it is.

    **Arguments:**

    - `make`: makes a model.

    **Returns:** a tree in which `jax.ShapeDtypeStruct` stand for arrays.
    """
    try:
        return eqx.filter_eval_shape(make)
    except jax.errors.ConcretizationTypeError:
        return make()


def _is_array(leaf: Any) -> bool:
    return eqx.is_array(leaf) or isinstance(leaf, jax.ShapeDtypeStruct)


def named_leaves(tree: Any) -> dict[str, Any]:
    """The arrays of a tree, by the path to each.

    **Arguments:**

    - `tree`: a model, a state, any tree, also an outlined one.

    **Returns:** path, its steps joined by dots -> array; random keys as they are.
    """
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(tree, _is_array))
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def with_leaves(tree: Any, leaves: Mapping[str, Any]) -> Any:
    """A tree with other arrays.

    **Arguments:**

    - `tree`: as `named_leaves` takes it.
    - `leaves`: path -> array, of exactly the paths of the tree, with its shapes and dtypes.

    **Returns:** a tree of the same structure.

    **Raises:** `ValueError` naming the first path that is absent, superfluous, or of another shape or dtype.
    """
    wanted = named_leaves(tree)
    for name in sorted(wanted.keys() | leaves.keys()):
        here, there = (_form(leaves, name), _form(wanted, name))
        if here != there:
            raise ValueError(f"{name}: stored {here}, expected {there}")
    arrays, static = eqx.partition(tree, _is_array)
    found = [jax.numpy.asarray(leaves[name]) for name in wanted]
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), found), static)


def _form(leaves: Mapping[str, Any], name: str) -> str:
    if name not in leaves:
        return "absent"
    return f"{leaves[name].dtype}{list(leaves[name].shape)}"
