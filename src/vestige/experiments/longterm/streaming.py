"""What may be set of a memory that learns from files; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.checks import at_least
from vestige.experiments.contract import Built, Findings
from vestige.experiments.longterm.architecture import Architecture
from vestige.experiments.longterm.cells import CELLS, LSTM, Cell
from vestige.experiments.longterm.files import Files
from vestige.experiments.longterm.remembering import AbstractRemembering
from vestige.experiments.longterm.rules import Told

if TYPE_CHECKING:
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class Streaming(AbstractRemembering):
    """A recurrent memory that learns from files of one's own."""

    task: Files = dataclasses.field(default_factory=Files)
    cell: Cell = dataclasses.field(default_factory=LSTM)
    model: Architecture = dataclasses.field(default_factory=Architecture)
    evaluation_size: int = dataclasses.field(default=4, kw_only=True)  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """Parts of the held-out file that are read side by side, each with a memory that is empty at first. All of the file
    is read at every evaluation: few parts take long, in many of them much is asked that was said before they begin."""
    reach: int = dataclasses.field(default=1000, kw_only=True)
    """Steps over which something may have to be remembered, about; for cells that are made for a distance."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {**AbstractRemembering.choices, "cell": CELLS}
    subject: ClassVar[str] = "a long-term memory"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "reach")
        if self.model.nearby > 1:
            raise ValueError(f"model.nearby must be 1 where files are read, got {self.model.nearby}")

    @property
    def headline(self) -> str:
        return self.task.judged_by

    def outline(self) -> dict[str, str]:
        steps = self.task.steps_at_once
        segment = "whole file" if steps is None else f"{steps:,}"
        return {"file": self.task.train or "example-stream", "segment": segment, "rollout": str(self.rollout)}

    def build(self, *, seed: int) -> Built:
        import jax

        key_model, key_run = jax.random.split(jax.random.key(seed))
        rule = self.rule.build(Told(self.task.steps_at_once, None), rollout=self.rollout, targets=self.targets)
        task = self.task.build()
        model = self.model.build(task, self.cell, span=self.reach, key=key_model)
        return Built(model, task, rule, self.optimiser.build(self.steps), key_run)

    def rehearsal(self, *, seed: int) -> Built:
        return self.build(seed=seed)

    def cycle(self, built: Built) -> int:
        steps = self.task.steps_at_once or -(-built.task.train.length // self.batch)
        return self.rule.updates(steps, rollout=self.rollout)

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.longterm.storage import temporary_bytes
        from vestige.training.evaluation import evaluate, scalars

        metrics = scalars(evaluate(built.task, model, self.evaluation_size, key=key))
        metrics["backward_bytes"] = float(temporary_bytes(self))
        return Findings(metrics, {}, built.task.bounds(metrics), {})
