"""Many structures at once, with any batch shape."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.structures.contract import AbstractStructure
from vestige.structures.gibbs import AbstractGibbs
from vestige.typing import Key, PyTree


class Batch(eqx.Module):
    """Structures of one class and size that differ in their arrays: log-rates, masks, an array k.

    Every method is that of one structure, for all rows at once: arrays have the axes of the batch first, and one key
    serves all rows, which draw independently. `map` applies any other function of one structure, and `expect`,
    `expect_trace` and `expect_draw` of `vestige.estimators` take a batch and return an estimate for each row. Rows of
    different sizes have a mask; a row that the mask empties has log-probability 0 and gradient 0.

    ```python
    trees = Batch.of(SpanningTree, log_rates, mask=masks)  # (batch, n, n) and (batch, n)
    draws = trees.sample(key=key)
    losses = -trees.map(structure_log_prob, gold)
    ```

    **Arguments:**

    - `each`: a structure with leading axes, as `jax.vmap` makes it. `Batch.of` makes it itself.
    - `batch_shape`: these axes.
    """

    each: Any
    batch_shape: tuple[int, ...] = eqx.field(static=True)

    @classmethod
    def of(cls, make: Callable[..., Any], *arguments: Any, batch_ndim: int = 1, **options: Any) -> "Batch":
        """A batch of what `make` makes of each row.

        **Arguments:**

        - `make`: a class of structures or of Gibbs distributions, or a function that returns one.
        - `arguments`, `options`: as of one structure; arrays have the axes of the batch first. What is no array, and an
            array of shape (), is the same for all rows.
        - `batch_ndim`: how many axes the batch has, static.

        **Returns:** the batch, of the shape of those axes.

        **Raises:** `ValueError` where arrays have too few axes or differ in those of the batch; what `make` raises.
        """
        shape = _shape((arguments, options), batch_ndim, "Batch.of")
        make_row = lambda row: make(*row[0], **row[1])
        each = _over(make_row, (arguments, options), batch_ndim)
        if not isinstance(each, AbstractStructure | AbstractGibbs):
            raise TypeError(f"Batch.of: make must return a structure, got {type(each).__name__}")
        return cls(each, shape)

    def map(self, function: Callable[..., Any], *rows: Any, key: Key | None = None, **options: Any) -> Any:
        """What a function of one structure returns for each row.

        **Arguments:**

        - `function`: takes a structure, then a row of each of `rows`: `marginals`, `structure_log_prob`,
            `GibbsArborescence.entropy`, or your own.
        - `rows`: batches of the same shape, and arrays or trees of arrays with the axes of the batch first. What is no
            array, and an array of shape (), is the same for all rows.
        - `key`: split, one for each row, which `function` is given as `key`; None: it is given none.
        - `options`: given to `function` as they are: level, draws, estimator.

        **Returns:** the results with the axes of the batch first; a batch where `function` returns a structure.

        **Raises:** `ValueError` where the axes of `rows` do not begin with those of the batch; what `function` raises.
        """
        is_batch = lambda leaf: isinstance(leaf, Batch)
        rows = jax.tree.map(lambda leaf: leaf.each if is_batch(leaf) else leaf, rows, is_leaf=is_batch)
        ndim = len(self.batch_shape)
        _shape(rows, ndim, "Batch.map", self.batch_shape)
        keys = None if key is None else jax.random.split(key, self.batch_shape)

        def one(row: Any) -> Any:
            structure, arrays, own = row
            with_key = {} if own is None else {"key": own}
            return function(structure, *arrays, **with_key, **options)

        found = _over(one, (self.each, rows, keys), ndim)
        return Batch(found, self.batch_shape) if isinstance(found, AbstractStructure | AbstractGibbs) else found

    def sample(self, *, key: Key) -> Any:
        """Draw a structure for each row.

        **Returns:** draws, every array with the axes of the batch first.

        **Raises:** as for one structure, with the number of rows that are wrong.
        """
        return self.map(lambda one, key: one.sample(key=key), key=key)

    def mode(self) -> Any:
        """The mode of each row.

        **Returns:** draws, every array with the axes of the batch first.

        **Raises:** as `sample`.
        """
        return self.map(lambda one: one.mode())

    def log_prob(self, trace: PyTree[Array]) -> Float[Array, "*batch"]:
        """log p of a trace for each row; of Gibbs distributions of a value.

        **Arguments:**

        - `trace`: with the axes of the batch first.

        **Returns:** one number for each row, nats.
        """
        return self.map(lambda one, trace: one.log_prob(trace), trace)

    def value(self, trace: PyTree[Array]) -> Float[Array, "..."]:
        """The value of a trace for each row.

        **Arguments:**

        - `trace`: with the axes of the batch first.

        **Returns:** indicator arrays.
        """
        return self.map(lambda one, trace: one.value(trace), trace)

    def trace(self, winners: Int[Array, "*batch steps"]) -> Any:
        """The trace that is given by its winners, for each row.

        **Arguments:**

        - `winners`: with the axes of the batch first.

        **Returns:** traces.

        **Raises:** as for one structure.
        """
        return self.map(lambda one, winners: one.trace(winners), winners)

    def solve(self, log_times: Float[Array, "..."]) -> Any:
        """The draw that arrival times make, for each row.

        **Arguments:**

        - `log_times`: with the axes of the batch first.

        **Returns:** draws.

        **Raises:** as for one structure.
        """
        return self.map(lambda one, log_times: one.solve(log_times), log_times)

    def posterior(self, trace: PyTree[Array], *, key: Key) -> Float[Array, "..."]:
        """Arrival times drawn given a trace, for each row.

        **Arguments:**

        - `trace`: with the axes of the batch first.

        **Returns:** logarithms of arrival times.
        """
        return self.map(lambda one, trace, key: one.posterior(trace, key=key), trace, key=key)


def _rows(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray) and leaf.ndim > 0


def _shape(tree: Any, ndim: int, owner: str, wanted: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """The leading axes of the arrays of a tree.

    **Raises:** `ValueError` where they differ, or are not those that are `wanted`.
    """
    shapes = [tuple(leaf.shape) for leaf in jax.tree.leaves(tree) if _rows(leaf)]
    if wanted is None and not shapes:
        raise ValueError(f"{owner}: there must be an array with the {ndim} axes of the batch first, got none")
    axes: tuple[int, ...] = shapes[0][:ndim] if wanted is None else wanted
    if ndim < 0 or any(len(shape) < ndim or shape[:ndim] != axes for shape in shapes):
        raise ValueError(
            f"{owner}: every array must have the {ndim} axes of the batch first, {axes}; got the shapes "
            f"{', '.join(map(str, shapes))}. What is the same for all rows belongs into the function."
        )
    return axes


def _over(function: Callable[[Any], Any], tree: Any, ndim: int) -> Any:
    """`function` of each row of a tree, over its first `ndim` axes."""
    arrays, others = eqx.partition(tree, _rows)
    mapped = lambda arrays: function(eqx.combine(arrays, others))
    for _ in range(ndim):
        mapped = jax.vmap(mapped)
    return mapped(arrays)
