"""The arrays of a model or a state, by name."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.typing import Key

HASTY = {"xla_backend_optimization_level": 1}
"""For programs that run once."""


def outlined(make: Callable[[Key], Any], key: Key) -> Any:
    """What `make` returns, with shapes and dtypes in place of its arrays: nothing is compiled or computed.

    Where `make` looks at the values of its arrays, it is called as it is.

    **Arguments:**

    - `make`: makes a model from a key.

    **Returns:** a tree in which `jax.ShapeDtypeStruct` stand for arrays.
    """
    return _unless_it_looks(eqx.filter_eval_shape, make, key)


def compiled(make: Callable[[Key], Any], key: Key) -> Any:
    """What `make` returns, by one program: outside of one, each of its operations is compiled by itself. The compiler
    optimises little, since the program runs once; products and sums are those of the operations one by one but for the
    last bit.

    Where `make` looks at the values of its arrays, it is called as it is.

    **Arguments:**

    - `make`: makes a model from a key.

    **Returns:** the model.
    """
    hasty: Any = eqx.filter_jit(compiler_options=HASTY)  # pyright: ignore[reportCallIssue] - as for jax.jit
    return _unless_it_looks(lambda make, key: hasty(make)(key), make, key)


def _unless_it_looks(apply: Callable[[Callable[[Key], Any], Key], Any], make: Callable[[Key], Any], key: Key) -> Any:
    try:
        return apply(make, key)
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError):
        return make(key)


def copied(tree: Any) -> Any:
    """The same with arrays of its own: those of a run's state are given to its next update.

    **Arguments:**

    - `tree`: arrays and other leaves.

    **Returns:** a tree whose arrays are copies, on the same devices; other leaves are shared.
    """
    return jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, tree)


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
