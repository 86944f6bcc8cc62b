"""Graphs inferred from movement, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from vestige.checks import at_least
from vestige.estimators.specs import EstimatorSpec, LeaveOneOutSpec, RelaxSpec
from vestige.models.structured.specs import ObjectiveModelSpec, check_provided
from vestige.structures.specs import SpanningTreeSpec, SubsetSpec

if TYPE_CHECKING:
    from vestige.models.structured.graphs import AbstractGraphs
    from vestige.models.structured.relational import RelationalModel
    from vestige.typing import Key

GRAPHS: Mapping[str, frozenset[str]] = {
    "spanning-tree": SpanningTreeSpec.provides,
    "edges": frozenset({"relaxation"}),
    "top-edges": SubsetSpec.provides,
}
"""The structures by name, and what each provides to an estimator."""


@runtime_checkable
class MovingGraphs(Protocol):
    """What a relational model must know of the movements for which it is built; options and built tasks say it."""

    @property
    def nodes(self) -> int:
        """How many move."""
        ...

    @property
    def steps(self) -> int:
        """Frames of an example."""
        ...


@dataclasses.dataclass(frozen=True)
class RelationalSpec(ObjectiveModelSpec):
    """Neural relational inference: a graph is inferred from how its nodes move, and with it the movement predicted."""

    structure: Literal["spanning-tree", "edges", "top-edges"] = "spanning-tree"
    """Which graphs there are: spanning trees; every ordered pair by itself; or the first so many edges to arrive."""
    estimator: EstimatorSpec = dataclasses.field(default=LeaveOneOutSpec(8))
    divergence: Literal["times", "trace"] = "times"
    """Of which variables KL is trained. times: arrival times, once for each ordered pair, as published; trace."""
    rollout: int = 1
    """Frames that are predicted one from the other in training before the next true one is given."""
    width: int = 64
    """Units of every hidden layer."""
    pull: float | None = 0.1
    """By which part of the way between them an edge pulls its nodes together in a step at first; learned from there on.
    None: no such term, as published."""
    edges: int | None = None
    """Of top-edges, how many; None: one less than nodes."""

    needs: ClassVar[str] = "moving graphs"
    subject: ClassVar[str] = "a model of nodes that move each other along hidden edges"
    rule_options: ClassVar[Mapping[str, Any]] = {"clip": None}
    adam_options: ClassVar[Mapping[str, Any]] = {"rate": 2e-3}

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "rollout", "width", "edges")
        if self.edges is not None and self.structure != "top-edges":
            raise ValueError(
                f"edges says how many edges top-edges has; {self.structure} has no such number: leave it out"
            )

    def check(self, task: MovingGraphs) -> None:
        check_provided(self.estimator, GRAPHS[self.structure], self.structure)
        if self.rollout > task.steps - 1:
            raise ValueError(
                f"rollout must be at most {task.steps - 1}, the frames that follow the first of {task.steps}, got "
                f"{self.rollout}"
            )
        most = task.nodes * (task.nodes - 1) // 2
        if self.edges is not None and self.edges > most:
            raise ValueError(f"edges must be at most {most}, all that {task.nodes} nodes can have, got {self.edges}")
        of_set = getattr(self.estimator, "score", "") == "set" or (
            isinstance(self.estimator, RelaxSpec) and self.estimator.noise == "set"
        )
        if self.divergence == "trace" and (self.estimator.biased or of_set):
            raise ValueError(
                "divergence trace needs an estimator that knows the trace of a draw: not a relaxation, nor one of the "
                "set alone. Use --model.divergence times, or --model.estimator leave-one-out"
            )

    def summary(self) -> dict[str, str]:
        return {"draws": str(self.estimator.draws)}

    def objective(self, task: MovingGraphs) -> Any:
        """The evidence lower bound for each node."""
        from vestige.models.structured.objective import StructureBound

        copies = self._graphs(task.nodes).copies if self.divergence == "times" else 1
        return StructureBound(self.divergence, weight=float(copies), per=float(task.nodes))

    def build(self, task: MovingGraphs, *, key: "Key") -> "RelationalModel":
        import jax
        import jax.numpy as jnp

        from vestige.models.structured.relational import RelationalDecoder, RelationalEncoder, RelationalModel

        graphs = self._graphs(task.nodes)
        key_encoder, key_decoder, key_estimator = jax.random.split(key, 3)
        keys = jax.eval_shape(lambda x: graphs.over(x).log_rates, jnp.zeros((task.nodes, task.nodes))).size
        return RelationalModel(
            RelationalEncoder(task.steps, 2, self.width, key=key_encoder),
            RelationalDecoder(2, self.width, self.pull, key=key_decoder),
            graphs,
            self.estimator.build(keys, key=key_estimator),
            self.rollout,
        )

    def _graphs(self, nodes: int) -> "AbstractGraphs":
        from vestige.models.structured.graphs import FirstEdges, IndependentEdges, Trees

        if self.structure == "top-edges":
            return FirstEdges(nodes, nodes - 1 if self.edges is None else self.edges)
        return {"spanning-tree": Trees, "edges": IndependentEdges}[self.structure](nodes)

    @classmethod
    def examples(cls):
        return (cls(width=8), cls("edges", width=8), cls("top-edges", edges=2, width=8))
