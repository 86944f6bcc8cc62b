"""Interacting nodes: which edges there are is inferred from how they move, and with them the movement is predicted.

Networks of neural relational inference (Kipf et al. 2018), as Paulus et al. 2020 use them for graph layout (notes,
section 4.2).
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators import AbstractEstimator
from vestige.models.structured.graphs import AbstractGraphs
from vestige.models.structured.messages import EdgeMessages
from vestige.models.structured.pairs import PairLinear
from vestige.structures import AbstractStructure
from vestige.typing import Batch, Key

VARIANCE = 5e-5  # of a coordinate, fixed (notes, section 4.2)


class Block(eqx.Module):
    """ELU - linear - ELU - layer normalisation, behind a linear layer of the caller's. The last is batch normalisation
    in the paper: a model is written for one example here.

    **Arguments:**

    - `width`: of input and output.
    """

    second: eqx.nn.Linear
    norm: eqx.nn.LayerNorm

    def __init__(self, width: int, *, key: Key):
        self.second = _xavier(eqx.nn.Linear(width, width, key=key), key=key)
        self.norm = eqx.nn.LayerNorm(width)

    def __call__(self, x: Float[Array, "*some width"]) -> Float[Array, "*some width"]:
        def one(x: Array) -> Array:
            return self.norm(jax.nn.elu(self.second(jax.nn.elu(x))))

        for _ in range(x.ndim - 1):
            one = jax.vmap(one)
        return one(x)


class RelationalEncoder(eqx.Module):
    """From the way of every node to a score for every ordered pair: nodes to edges, back, and to edges again.

    O(nodes² · width²).

    **Arguments:**

    - `steps`, `dimensions`: length of a way, and coordinates of a place.
    - `width`: of all layers.
    """

    of_ways: eqx.nn.Linear
    nodes: Block
    to_edges: PairLinear
    edges: Block
    to_nodes: eqx.nn.Linear
    nodes_again: Block
    to_edges_again: PairLinear
    of_edges: eqx.nn.Linear
    edges_again: Block
    out: eqx.nn.Linear

    def __init__(self, steps: int, dimensions: int, width: int, *, key: Key):
        keys = jax.random.split(key, 10)
        linear = lambda size, key: _xavier(eqx.nn.Linear(size, width, key=key), key=key)
        self.of_ways = linear(steps * dimensions, keys[0])
        self.nodes = Block(width, key=keys[1])
        self.to_edges = PairLinear(width, width, width, key=keys[2])
        self.edges = Block(width, key=keys[3])
        self.to_nodes = linear(width, keys[4])
        self.nodes_again = Block(width, key=keys[5])
        self.to_edges_again = PairLinear(width, width, width, key=keys[6])
        self.of_edges = linear(width, keys[7])
        self.edges_again = Block(width, key=keys[8])
        self.out = eqx.nn.Linear(width, "scalar", key=keys[9])

    def __call__(self, ways: Float[Array, "steps nodes dimensions"]) -> Float[Array, "nodes nodes"]:
        count = ways.shape[1]
        nodes = self.nodes(jax.vmap(self.of_ways)(jnp.swapaxes(ways, 0, 1).reshape(count, -1)))
        edges = self.edges(self.to_edges(nodes, nodes))
        others = jnp.broadcast_to(~jnp.eye(count, dtype=bool)[:, :, None], edges.shape)
        arriving = jnp.sum(jnp.where(others, edges, 0.0), axis=0) / count
        again = self.nodes_again(jax.vmap(self.to_nodes)(arriving))
        joined = self.to_edges_again(again, again) + jax.vmap(jax.vmap(self.of_edges))(edges)
        return jax.vmap(jax.vmap(self.out))(self.edges_again(joined))


class RelationalDecoder(eqx.Module):
    """The step that every node takes next, from where all nodes are and which are joined.

    Edges and their absence have networks alike, so that a model may learn to draw trees that avoid the true edges, a
    local optimum from which it does not return. `pull` decides early which is which (ours): `pull` times the way to
    each of its neighbours is added to the step of a node. It is a parameter like others.

    O(nodes² · width²) a step.

    **Arguments:**

    - `dimensions`: coordinates of a place.
    - `width`: of all layers.
    - `pull`: where it starts; None: there is no such term, as published.
    """

    messages: EdgeMessages
    hidden: tuple[eqx.nn.Linear, eqx.nn.Linear]
    out: eqx.nn.Linear
    pull: Float[Array, ""] | None

    def __init__(self, dimensions: int, width: int, pull: float | None = None, *, key: Key):
        keys = jax.random.split(key, 4)
        self.messages = EdgeMessages(dimensions, width, 2, key=keys[0])
        self.hidden = (
            eqx.nn.Linear(dimensions + width, width, key=keys[1]),
            eqx.nn.Linear(width, width, key=keys[2]),
        )
        self.out = eqx.nn.Linear(width, dimensions, key=keys[3])
        self.pull = None if pull is None else jnp.asarray(pull, float)

    def step(
        self, places: Float[Array, "nodes dimensions"], adjacency: Float[Array, "nodes nodes"]
    ) -> Float[Array, "nodes dimensions"]:
        """Where the nodes at `places`, joined by `adjacency`, are a step later."""
        arriving = self.messages(places, jnp.stack([1.0 - adjacency, adjacency]))

        def move(place: Array, heard: Array) -> Array:
            x = jnp.concatenate([place, heard])
            for layer in self.hidden:
                x = jax.nn.relu(layer(x))
            return place + self.out(x)

        moved = jax.vmap(move)(places, arriving)
        if self.pull is None:
            return moved
        towards = jnp.einsum("uv,uvd->vd", adjacency, places[:, None, :] - places[None, :, :])
        return moved + self.pull * towards

    def __call__(
        self, ways: Float[Array, "steps nodes dimensions"], adjacency: Float[Array, "nodes nodes"], rollout: int
    ) -> Float[Array, "predicted nodes dimensions"]:
        """Predict frames 1, 2, … from those before.

        **Arguments:**

        - `ways`: what really happened.
        - `adjacency`: (nodes, nodes), symmetric or not.
        - `rollout`: steps that are predicted one from the other before the next true frame is given; 1: every frame
          from the true one before. Static.

        **Returns:** (steps - 1, nodes, dimensions).
        """
        steps = ways.shape[0]
        starts = ways[: steps - 1 : rollout]
        step = jax.vmap(self.step, in_axes=(0, None))

        def on(places: Array, _: None) -> tuple[Array, Array]:
            places = step(places, adjacency)
            return places, places

        first = step(starts, adjacency)  # by itself: under jax.vmap over draws the messages there are made once
        _, later = jax.lax.scan(on, first, None, length=min(rollout, steps - 1) - 1)
        found = jnp.concatenate([first[None], later])
        return jnp.swapaxes(found, 0, 1).reshape(-1, *ways.shape[1:])[: steps - 1]


class RelationalModel(eqx.Module):
    """A graph behind the movements of its nodes: a `StructureModel`. `example.inputs` are the ways, (steps, nodes,
    dimensions).

    **Arguments:**

    - `encoder`: from the ways to a score for each ordered pair, (nodes, nodes).
    - `decoder`: predicts the next step.
    - `graphs`: which graphs there are.
    - `estimator`: of the gradient in the rates.
    - `rollout`: as for the decoder, in training.
    """

    encoder: Callable[[Array], Array]
    decoder: RelationalDecoder
    graphs: AbstractGraphs
    estimator: AbstractEstimator
    rollout: int = eqx.field(static=True)

    def posterior(self, example: Batch) -> AbstractStructure:
        return self.graphs.over(self.encoder(example.inputs))

    def prior(self, example: Batch) -> AbstractStructure:
        count = self.graphs.nodes
        return self.graphs.over(jnp.zeros((count, count), example.inputs.dtype))

    def log_likelihood(self, value: Float[Array, "..."], example: Batch) -> Float[Array, ""]:
        """log p(example | value) of Gaussians of a fixed variance, without their constant, nats. Frame 0 is given.

        **Arguments:**

        - `value`: of a draw.
        - `example`: the ways.
        """
        ways = example.inputs
        found = self.decoder(ways, self.graphs.adjacency(value), self.rollout)
        return -jnp.sum(jnp.square(found - ways[1:])) / (2 * VARIANCE)

    def forced(self) -> "RelationalModel":
        """The same model, by which every frame is predicted from the true one before."""
        return RelationalModel(self.encoder, self.decoder, self.graphs, self.estimator, 1)


def _xavier(layer: eqx.nn.Linear, *, key: Key) -> eqx.nn.Linear:
    """Weights by Glorot and Bengio, biases 0.1 (notes, section 4.2)."""
    out, size = layer.weight.shape
    weight = jax.nn.initializers.glorot_normal(in_axis=1, out_axis=0)(key, (out, size))
    return eqx.tree_at(lambda x: (x.weight, x.bias), layer, (weight, jnp.full(out, 0.1)))
