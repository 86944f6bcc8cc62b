"""Structures as NetworkX graphs."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Array, Float

from vestige.structures.arborescence import Arborescence
from vestige.structures.binary_tree import BinaryTree
from vestige.structures.contract import AbstractStructure, Draw
from vestige.structures.matching import Matching
from vestige.structures.spanning_tree import SpanningTree

if TYPE_CHECKING:
    import networkx as nx


def to_networkx(
    structure: AbstractStructure,
    value: Draw | Float[Array, "..."],
    *,
    log_times: Float[Array, "*keys"] | None = None,
) -> "nx.Graph":
    """One value of a structure as a graph, whose nodes are integers; those outside the mask are left out.

    - `SpanningTree`: a `Graph`.
    - `Arborescence`: a `DiGraph`; the root is the node that no arc enters.
    - `BinaryTree`: a `DiGraph` from parents to children, with the edge attribute `side`, "left" or "right".
    - `Matching`: a `Graph` with nodes ("row", i) and ("column", j), and their attribute `bipartite`, 0 and 1.

    Edges, or nodes for `BinaryTree`, have the attribute `rate`, and `time` where arrival times are given.

    **Arguments:**

    - `structure`: the one that the value was drawn from, or any other over the same nodes.
    - `value`: an indicator array, or a `Draw`, which brings its arrival times along.
    - `log_times`: logarithms of arrival times, e.g. of `structure.posterior`.

    **Raises:** `ImportError` without NetworkX; `TypeError` for structures that are no graphs; `ValueError` for arrays
    of another shape (one value at a time) and for edges at nodes outside the mask.
    """
    try:
        import networkx as nx
    except ImportError as error:
        raise ImportError("to_networkx needs NetworkX: pip install 'vestige[graphs]'") from error
    if not isinstance(structure, SpanningTree | Arborescence | BinaryTree | Matching):
        raise TypeError(
            f"to_networkx takes a SpanningTree, an Arborescence, a BinaryTree or a Matching, not a "
            f"{type(structure).__name__}"
        )
    if isinstance(value, Draw):
        log_times = value.log_times if log_times is None else log_times
        value = value.value
    n = structure.log_rates.shape[-1]
    array = np.asarray(value)
    if array.shape != (n, n):
        raise ValueError(f"to_networkx takes one value at a time, of shape {(n, n)} here; got {array.shape}")
    there = np.ones(n, bool) if structure.mask is None else np.asarray(structure.mask)
    pairs = [(int(i), int(j)) for i, j in zip(*np.nonzero(array > 0.5), strict=True)]
    if any(not (there[i] and there[j]) for i, j in pairs):
        raise ValueError("to_networkx: the value has edges at nodes outside the structure's mask")
    about = _attributes(structure, log_times)
    nodes = [int(node) for node in np.flatnonzero(there)]

    if isinstance(structure, SpanningTree):
        graph = nx.Graph()
        graph.add_nodes_from(nodes)
        graph.add_edges_from((i, j, about((i, j))) for i, j in pairs if i < j)
    elif isinstance(structure, Arborescence):
        graph = nx.DiGraph()
        graph.add_nodes_from(nodes)
        graph.add_edges_from((i, j, about((i, j))) for i, j in pairs)
    elif isinstance(structure, BinaryTree):
        graph = nx.DiGraph()
        graph.add_nodes_from((node, about(node)) for node in nodes)
        graph.add_edges_from((i, j, {"side": "left" if j < i else "right"}) for i, j in pairs)
    else:
        graph = nx.Graph()
        graph.add_nodes_from((("row", node) for node in nodes), bipartite=0)
        graph.add_nodes_from((("column", node) for node in nodes), bipartite=1)
        graph.add_edges_from((("row", i), ("column", j), about((i, j))) for i, j in pairs)
    return graph


def _attributes(structure: Any, log_times: Any) -> Any:
    """From a key to its attributes."""
    logs = {"rate": np.asarray(structure.log_rates, np.float64)}
    if log_times is not None:
        logs["time"] = np.asarray(log_times, np.float64)
        if logs["time"].shape != logs["rate"].shape:
            raise ValueError(f"to_networkx: log_times must have shape {logs['rate'].shape}, got {logs['time'].shape}")
    return lambda key: {name: float(np.exp(array[key])) for name, array in logs.items()}
