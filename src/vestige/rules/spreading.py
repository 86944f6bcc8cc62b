"""Means over a batch that is spread over devices, with one sum over the devices for each."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
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
        return jax.lax.pmean(means(whole, eqx.combine(arrays, static)), mesh.axis_names)

    split = PartitionSpec(mesh.axis_names)
    return jax.shard_map(
        share, mesh=mesh, in_specs=(PartitionSpec(), split), out_specs=PartitionSpec(), check_vma=False
    )(whole, arrays)
