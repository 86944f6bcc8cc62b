"""Means over a batch that is spread over devices, with one sum over the devices for each."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, PartitionSpec

_MESH: contextvars.ContextVar[Mesh | None] = contextvars.ContextVar("mesh", default=None)


@contextlib.contextmanager
def spread_over(mesh: Mesh | None) -> Iterator[None]:
    """Within the block, where a program is traced, batches are spread over all axes of `mesh`; None: they are whole."""
    token = _MESH.set(mesh)
    try:
        yield
    finally:
        _MESH.reset(token)


def mean_of_shares(means: Callable[[Any, Any], Any], whole: Any, rows: Any) -> Any:
    """`means(whole, rows)`, computed by each device from its own rows and then averaged over the devices.

    Without this the compiler places the sums over devices itself, and where a gradient is summed in a loop over time it
    places one in every turn of that loop.

    **Arguments:**

    - `means`: returns arrays that are means over the leading axis of its second argument.
    - `whole`: what every device has whole, such as parameters.
    - `rows`: a tree whose arrays have a leading axis, which divides by the number of devices.

    **Returns:** what `means` returns for all rows, up to the order of sums.
    """
    mesh = _MESH.get()
    if mesh is None:
        return means(whole, rows)
    arrays, static = eqx.partition(rows, eqx.is_array)

    def share(whole: Any, arrays: Any) -> Any:
        return _averaged(means(whole, eqx.combine(arrays, static)), mesh.axis_names)

    split = PartitionSpec(mesh.axis_names)
    return jax.shard_map(
        share, mesh=mesh, in_specs=(PartitionSpec(), split), out_specs=PartitionSpec(), check_vma=False
    )(whole, arrays)


def _averaged(tree: Any, axes: tuple[str, ...]) -> Any:
    """Every array averaged over the devices; those of one dtype as one vector, since each message has its own delay.
    Counts become floating-point, as the mean of rows does.
    """
    leaves, structure = jax.tree.flatten(tree)
    leaves = [leaf if eqx.is_inexact_array(leaf) else jnp.asarray(leaf, float) for leaf in leaves]
    for dtype in dict.fromkeys(leaf.dtype for leaf in leaves):
        places = [place for place, leaf in enumerate(leaves) if leaf.dtype == dtype]
        whole, split = ravel_pytree([leaves[place] for place in places])
        for place, leaf in zip(places, split(jax.lax.pmean(whole, axes)), strict=True):
            leaves[place] = leaf
    return jax.tree.unflatten(structure, leaves)
