"""The structures by their names on the command line."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from vestige.experiments.gradients.options import GradientOptions

Make = Callable[[Any], Any]
"""From the coordinates, a vector of log-rates, one for each key, to the structure."""


class StructureKind(NamedTuple):
    """A structure by its name on the command line."""

    summary: str
    coordinates: Callable[[GradientOptions], tuple[Make, int]]
    """How it is made of a vector, and how long that is."""
    least_traces: Callable[[GradientOptions], int]
    """A number that the number of traces does not fall below, so that hopeless listings are not begun."""


def _categorical(options: GradientOptions) -> tuple[Make, int]:
    from vestige.structures import Categorical

    return Categorical, options.n


def _subset(options: GradientOptions) -> tuple[Make, int]:
    from vestige.structures import Subset

    return lambda rates: Subset(rates, options.subset_size), options.n


def _permutation(options: GradientOptions) -> tuple[Make, int]:
    from vestige.structures import Permutation

    return Permutation, options.n


def _spanning_tree(options: GradientOptions) -> tuple[Make, int]:
    import jax.numpy as jnp

    from vestige.structures import SpanningTree

    n, above = options.n, np.triu_indices(options.n, 1)

    def make(rates: Any) -> SpanningTree:
        half = jnp.zeros((n, n), rates.dtype).at[above].set(rates)
        return SpanningTree(half + half.T)

    return make, len(above[0])


def _arborescence(options: GradientOptions) -> tuple[Make, int]:
    import jax.numpy as jnp

    from vestige.structures import Arborescence

    n = options.n
    arcs = np.nonzero(~np.eye(n, dtype=bool) & (np.arange(n) != 0))
    return lambda rates: Arborescence(jnp.zeros((n, n), rates.dtype).at[arcs].set(rates), root=0), len(arcs[0])


def _binary_tree(options: GradientOptions) -> tuple[Make, int]:
    from vestige.structures import BinaryTree

    return BinaryTree, options.n


def _matching(options: GradientOptions) -> tuple[Make, int]:
    from vestige.structures import Matching

    n = options.n
    return lambda rates: Matching(rates.reshape(n, n)), n * n


STRUCTURES: Mapping[str, StructureKind] = {
    "categorical": StructureKind("one of n items", _categorical, lambda options: options.n),
    "subset": StructureKind(
        "k of n items, in the order of arrival", _subset, lambda options: math.perm(options.n, options.subset_size)
    ),
    "permutation": StructureKind("orders of n items", _permutation, lambda options: math.factorial(options.n)),
    "spanning-tree": StructureKind(
        "spanning trees of n vertices, by Kruskal's algorithm",
        _spanning_tree,
        lambda options: options.n ** (options.n - 2) * math.factorial(options.n - 1),
    ),
    "arborescence": StructureKind(
        "directed spanning trees from vertex 0, by Chu-Liu/Edmonds",
        _arborescence,
        lambda options: options.n ** (options.n - 2),
    ),
    "binary-tree": StructureKind(
        "binary trees over n positions",
        _binary_tree,
        lambda options: math.comb(2 * options.n, options.n) // (options.n + 1),
    ),
    "matching": StructureKind(
        "greedy matchings of n rows with n columns", _matching, lambda options: math.factorial(options.n) ** 2
    ),
}
