"""What may be set of an experiment with a recurrent memory; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.contract import Built
from vestige.experiments.longterm.architecture import Architecture
from vestige.experiments.longterm.cells import CELLS, LSTM, Cell
from vestige.experiments.longterm.rules import Told
from vestige.experiments.longterm.spanned import AbstractSpanned
from vestige.experiments.longterm.tasks import Recall, Sequences

if TYPE_CHECKING:
    from vestige.tasks.longterm import AbstractLongTask


@dataclasses.dataclass(frozen=True)
class LongTerm(AbstractSpanned):
    """A recurrent memory that must keep something for long."""

    task: Sequences = dataclasses.field(default_factory=Recall)
    cell: Cell = dataclasses.field(default_factory=LSTM)
    model: Architecture = dataclasses.field(default_factory=Architecture)

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {**AbstractSpanned.choices, "cell": CELLS}
    subject: ClassVar[str] = "a long-term memory"

    def shown(self, task: "AbstractLongTask") -> "AbstractLongTask":
        return self.model.shown(task)

    def assemble(self, task: "AbstractLongTask", *, seed: int) -> Built:
        import jax

        key_model, key_run = jax.random.split(jax.random.key(seed))
        model = self.model.build(task, self.cell, span=self.task.span, key=key_model)
        rule = self.rule.build(Told(task.steps, task.queries), rollout=self.rollout, targets=self.targets)
        return Built(model, task, rule, self.optimiser.build(self.steps), key_run)
