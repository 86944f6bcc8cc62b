"""Batches whose examples run one after the other."""

from collections.abc import Callable
from typing import Any

import jax


def one_by_one(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, whose batches run one example after the other on a CPU, and together elsewhere; the same values.

    It is for loops that end sooner for one example than for another and carry much. Together they all take as long as
    the longest, and every pass through the loop copies what those carry that have ended. On several cores a batch that
    runs together is spread over them, one that does not is not; and where the compiler spreads a batch over devices of
    a CPU, every device runs all of it (under `shard_map`, as the rule `gradient` has it, its share).

    **Arguments:**

    - `f`: of arrays, to a pytree of arrays. It closes over nothing that is traced, and is not differentiated.

    **Returns:** a function of the same arguments. Under `vmap`, also a nested one, time is the sum over the examples on
    a CPU, and temporary memory that of one.
    """

    @jax.custom_batching.custom_vmap
    def one(*arguments: Any) -> Any:
        return f(*arguments)

    @one.def_vmap
    def rule(axis_size: int, in_batched: list[Any], *arguments: Any) -> tuple[Any, Any]:
        axes = [0 if all(jax.tree.leaves(batched)) else None for batched in in_batched]

        def in_turn(*arguments: Any) -> Any:
            rows = [given for given, axis in zip(arguments, axes, strict=True) if axis == 0]

            def of(rows: list[Any]) -> Any:
                mine = iter(rows)
                every = zip(arguments, axes, strict=True)
                return one(*(next(mine) if axis == 0 else given for given, axis in every))

            return jax.lax.map(of, rows)

        def together(*arguments: Any) -> Any:
            return jax.vmap(f, in_axes=tuple(axes))(*arguments)

        found = jax.lax.platform_dependent(*arguments, cpu=in_turn, default=together)
        return found, jax.tree.map(lambda leaf: True, found)

    return one
