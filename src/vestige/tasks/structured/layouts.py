"""A graph that is drawn by springs, step by step."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.structures import SpanningTree
from vestige.typing import Key

NEAREST = 0.01  # distances and displacements below this count as this


def spring_step(places: Float[Array, "nodes 2"], adjacency: Float[Array, "nodes nodes"]) -> Float[Array, "nodes 2"]:
    """One iteration of the layout of Fruchterman and Reingold, recentred and rescaled so that the largest coordinate
    is 1 in size: `networkx.spring_layout(graph, pos=places, iterations=1)` (notes, section 5.4). O(nodes²).

    **Arguments:**

    - `places`: (nodes, 2).
    - `adjacency`: (nodes, nodes), symmetric, zeros on the diagonal.

    **Returns:** (nodes, 2), where the nodes are next.
    """
    count = places.shape[0]
    k = count**-0.5
    temperature = 0.1 * jnp.max(jnp.max(places, axis=0) - jnp.min(places, axis=0))
    apart = places[:, None, :] - places[None, :, :]
    distance = jnp.maximum(_length(apart), NEAREST)
    force = jnp.sum(apart * (k**2 / jnp.square(distance) - adjacency * distance / k)[:, :, None], axis=1)
    places = places + force * (temperature / jnp.maximum(_length(force), NEAREST))[:, None]
    places = places - jnp.mean(places, axis=0, keepdims=True)
    return places / jnp.max(jnp.abs(places))


def drawn_layout(
    nodes: int, steps: int, *, key: Key
) -> tuple[Float[Array, "steps nodes 2"], Float[Array, "nodes nodes"]]:
    """A random tree, and how springs draw it from random places.

    The tree is the minimum spanning tree of independent Exp(1) weights, which is not uniform over trees. The first
    places, standard Gaussian, are not shown: frame 0 is what one step makes of them.

    **Arguments:**

    - `nodes`: at least 2.
    - `steps`: frames.

    **Returns:** the frames, coordinates within -1 to 1, and the adjacency matrix.
    """
    key_tree, key_places = jax.random.split(key)
    adjacency = jax.lax.stop_gradient(SpanningTree(jnp.zeros((nodes, nodes))).sample(key=key_tree).value)

    def on(places: Array, _: None) -> tuple[Array, Array]:
        places = spring_step(places, adjacency)
        return places, places

    _, frames = jax.lax.scan(on, jax.random.normal(key_places, (nodes, 2)), None, length=steps)
    return frames, adjacency


def _length(x: Float[Array, "*some 2"]) -> Float[Array, "*some"]:
    return jnp.sqrt(jnp.sum(jnp.square(x), axis=-1))
