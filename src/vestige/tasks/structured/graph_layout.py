"""Which tree moves the nodes: layouts by springs, and how well a model recovers their edges."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.data.tables import Cells
from vestige.data.tables.writing import numbers
from vestige.errors import UsageError
from vestige.models.structured import RelationalModel, importance_weighted_structures, times_divergence
from vestige.models.structured.relational import VARIANCE
from vestige.numerics import batched_map
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate_many, scalars
from vestige.tasks.samples import Sampled
from vestige.tasks.structured.layouts import drawn_layout
from vestige.typing import Batch, Key, Metrics

TRAINING = 42  # the seed of layouts that are drawn once and for all
AT_ONCE = 128
SIMULATED = 1024  # layouts behind the level of nodes that stand still
REPEATS = 4  # evaluations behind the final metrics
IMPORTANCE_SAMPLES = 50
PICTURED, DRAWS = 3, 100  # layouts on the page, and draws behind the frequencies of their edges


class GraphLayout(AbstractTask):
    """Random trees of `nodes` nodes, drawn by springs in `steps` frames (notes, section 5.4). An example is the frames;
    its tree, in `targets`, is for evaluation alone.

    Metrics on held-out layouts, one draw of the graph for each (notes, section 4.2):

    - `elbo`: of frames 1, 2, … given the true ones before, by node, without the constant of the Gaussian; less KL of
      arrival times, counted once for each ordered pair. Nats. Only bounds of this form are comparable.
    - `edge_precision`, `edge_recall`: part of the drawn edges that are in the tree, and of the tree's that are drawn,
      mean over layouts (0 where nothing is drawn); of edges or of non-edges, whichever is more precise, since a model
      may call them the other way round.
    - `edge_precision_mode`: the precision of the graph at the mean arrival times, which is the likeliest spanning tree;
      of the same kind, edges or non-edges.
    - `prediction_nll`, `graph_kl`: the two terms of the bound.

    **Arguments:**

    - `nodes`, `steps`: at least 2, static.
    - `train`: so many layouts to train on, always the same; None: new ones in every batch.
    """

    nodes: int = eqx.field(static=True, default=10)
    steps: int = eqx.field(static=True, default=10)
    train: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.nodes < 2:
            raise ValueError(f"GraphLayout: nodes must be at least 2, since edges join two, got {self.nodes}")
        if self.steps < 2:
            raise ValueError(f"GraphLayout: steps must be at least 2, since frame 0 is given, got {self.steps}")
        if self.train is not None and self.train < 1:
            raise ValueError(f"GraphLayout: train must be at least 1, got {self.train}")

    def batch(self, *, size: int, key: Key) -> Batch:
        keys = _numbered(key, size)
        if self.train is not None:
            known = self.train

            def again(key: Key) -> Key:
                return jax.random.fold_in(jax.random.key(TRAINING), jax.random.randint(key, (), 0, known))

            keys = jax.vmap(again)(keys)
        return self._layouts(keys)

    def evaluate(self, model: RelationalModel, *, size: int, key: Key) -> Metrics:
        key_layouts, key_draws = jax.random.split(key)
        layouts = self._layouts(_numbered(key_layouts, size))

        def one(row: tuple[Batch, Key]) -> Metrics:
            example, key = row
            assert example.targets is not None
            posterior, prior = model.posterior(example), model.prior(example)
            value = jax.lax.stop_gradient(posterior.sample(key=key).value)
            nll = -model.forced().log_likelihood(value, example) / self.nodes
            kl = model.graphs.copies * times_divergence(posterior, prior) / self.nodes
            edges, likeliest = model.graphs.adjacency(value), model.graphs.adjacency(posterior.mode().value)
            found = {"elbo": -nll - kl, "prediction_nll": nll, "graph_kl": kl}
            others = 1.0 - jnp.eye(self.nodes)
            for kind, drawn, best in (("edges", edges, likeliest), ("others", others - edges, others - likeliest)):
                found[f"precision_of_{kind}"], found[f"recall_of_{kind}"] = found_edges(drawn, example.targets)
                found[f"mode_of_{kind}"] = found_edges(best, example.targets)[0]
            return found

        metrics = batched_map(one, (layouts, jax.random.split(key_draws, size)), at_most=AT_ONCE)
        means = {name: jnp.mean(values) for name, values in metrics.items()}
        other = means["precision_of_others"] > means["precision_of_edges"]
        pick = lambda name: jnp.where(other, means.pop(f"{name}_of_others"), means.pop(f"{name}_of_edges"))
        precision, recall, likeliest = pick("precision"), pick("recall"), pick("mode")
        return {**means, "edge_precision": precision, "edge_recall": recall, "edge_precision_mode": likeliest}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        chance = 2 / self.nodes  # a spanning tree of equal rates has every edge with this probability
        edges = {"best": 1.0, "chance": chance}
        return {"edge_precision": edges, "edge_recall": edges, "elbo": {"best": None, "chance": self._standing_still()}}

    def diagnostics(self, model: RelationalModel, *, size: int, key: Key) -> Evaluation:
        """Metrics on `4 * size` layouts, `iw_elbo` on `size`, and layouts with the edges that were drawn."""
        metrics = scalars(evaluate_many(self, model, size, REPEATS, key=key))
        key_bound, key_shown = jax.random.split(jax.random.fold_in(key, REPEATS))
        metrics["iw_elbo"] = float(self.tighter_bound(model, size, key=key_bound))
        return Evaluation(metrics, {}, self.bounds(metrics), self._shown(model, key=key_shown))

    def sampled(self, model: RelationalModel, *, count: int, steps: int | None, given: int, seed: int) -> Sampled:
        """As `vestige.experiments.protocols.GeneratesSamples` says: a graph is drawn from the prior, places from a new
        layout, and the nodes go on from there as the decoder says, step by step, without noise. A row for each node
        and step: its place, and the neighbours in the drawn graph, `2 5`.

        **Raises:** `UsageError` where steps are fewer than frames that are given; of these the first always is.
        """
        length, given = steps or self.steps, max(given, 1)
        if length < given:
            raise UsageError(f"frames: a layout begins with {given} frames that are given, got {length}")
        ways, edges = _moved(model, self, count, length, given, jax.random.key(seed))
        return _as_rows(np.asarray(ways, np.float64), np.asarray(edges) > 0)

    @eqx.filter_jit
    def tighter_bound(self, model: RelationalModel, size: int, *, key: Key) -> Float[Array, ""]:
        """The bound of 50 importance samples, by node, without the Gaussian's constant, mean over `size` layouts."""
        key_layouts, key_draws = jax.random.split(key)

        def one(row: tuple[Batch, Key]) -> Array:
            example, key = row
            return (
                importance_weighted_structures(model.forced(), example, samples=IMPORTANCE_SAMPLES, key=key)
                / self.nodes
            )

        rows = self._layouts(_numbered(key_layouts, size)), jax.random.split(key_draws, size)
        return jnp.mean(batched_map(one, rows, at_most=AT_ONCE // 8))

    @eqx.filter_jit
    def _pictured(self, model: RelationalModel, *, key: Key) -> tuple[Batch, Array, Array]:
        key_layouts, key_draws = jax.random.split(key)
        layouts = self._layouts(_numbered(key_layouts, PICTURED))

        def draws(example: Batch, key: Key) -> Array:
            posterior = model.posterior(example)
            value = jax.vmap(lambda k: posterior.sample(key=k).value)(jax.random.split(key, DRAWS))
            return jax.vmap(model.graphs.adjacency)(jax.lax.stop_gradient(value))

        many = jax.vmap(draws)(layouts, jax.random.split(key_draws, PICTURED))
        return layouts, many[:, 0], jnp.mean(many, axis=1)

    def _shown(self, model: RelationalModel, *, key: Key) -> dict[str, np.ndarray]:
        layouts, first, frequencies = self._pictured(model, key=key)
        found = {"ways": layouts.inputs, "true_edges": layouts.targets, "drawn_edges": first}
        return {name: np.asarray(array) for name, array in {**found, "edge_frequencies": frequencies}.items()}

    def _layouts(self, keys: Any) -> Batch:
        return Batch(*jax.vmap(lambda key: drawn_layout(self.nodes, self.steps, key=key))(keys))

    def _standing_still(self) -> float:
        """The bound of who predicts that nothing moves, without edges."""
        return float(_still_level(self))


@eqx.filter_jit
def _moved(
    model: RelationalModel, task: GraphLayout, count: int, steps: int, given: int, key: Key
) -> tuple[Float[Array, "count steps nodes 2"], Float[Array, "count nodes nodes"]]:
    """Layouts that a model makes of the first frames of true ones, and the graphs that it drew for them."""
    key_layouts, key_graphs = jax.random.split(key)
    layout = lambda key: drawn_layout(task.nodes, max(given, 2), key=key)[0]
    beginnings = jax.vmap(layout)(_numbered(key_layouts, count))[:, :given]

    def one(beginning: Array, key: Key) -> tuple[Array, Array]:
        adjacency = model.graphs.adjacency(model.prior(Batch(beginning)).sample(key=key).value)

        def on(places: Array, _: None) -> tuple[Array, Array]:
            places = model.decoder.step(places, adjacency)
            return places, places

        _, further = jax.lax.scan(on, beginning[-1], None, length=steps - given)
        return jnp.concatenate([beginning, further]), adjacency

    return jax.vmap(one)(beginnings, jax.random.split(key_graphs, count))


def _as_rows(ways: np.ndarray, edges: np.ndarray) -> Sampled:
    """A row for each sample, step and node."""
    count, steps, nodes, _ = ways.shape
    sample, step, node = (each.ravel() + 1 for each in np.indices((count, steps, nodes)))
    none = np.zeros(sample.size, bool)
    joined = [[" ".join(str(other + 1) for other in np.flatnonzero(row)) for row in graph] for graph in edges]
    neighbours = np.repeat(np.array(joined, object).reshape(count, 1, nodes), steps, axis=1).ravel()
    return Sampled(
        {
            "sample": Cells(sample, none),
            "step": Cells(step, none),
            "node": Cells(node, none),
            "x": numbers(np.ascontiguousarray(ways[..., 0].ravel())),
            "y": numbers(np.ascontiguousarray(ways[..., 1].ravel())),
            "neighbours": Cells(neighbours, none),
        }
    )


@eqx.filter_jit
def _still_level(task: GraphLayout) -> Float[Array, ""]:
    """Simulated with a key of its own: the same level for every run and seed."""
    frames = task._layouts(_numbered(jax.random.key(0), SIMULATED)).inputs
    moved = jnp.sum(jnp.square(frames[:, 1:] - frames[:, :-1]), axis=(1, 2, 3))
    return -jnp.mean(moved) / (2 * VARIANCE * task.nodes)


def found_edges(
    drawn: Float[Array, "nodes nodes"], true: Float[Array, "nodes nodes"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Precision and recall of edges.

    **Arguments:**

    - `drawn`, `true`: adjacency matrices without diagonal; every ordered pair counts.

    **Returns:** part of the drawn edges that are true, and of the true ones that are drawn; 0 where there are none.
    """
    both = jnp.sum(drawn * true)
    return both / jnp.maximum(jnp.sum(drawn), 1.0), both / jnp.maximum(jnp.sum(true), 1.0)


def _numbered(key: Key, size: int) -> Any:  # keys, one for each row
    return jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(size))
