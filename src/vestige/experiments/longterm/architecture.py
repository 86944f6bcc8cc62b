"""Sizes of what surrounds the recurrence; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING

from vestige.experiments.checks import at_least
from vestige.experiments.longterm.cells import Cell

if TYPE_CHECKING:
    from vestige.models.longterm import AbstractInput, AbstractOutcome, LongTermModel
    from vestige.tasks.longterm import AbstractLongTask, Stream
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Encoder, predictor and detector."""

    features: int = 32
    """What is seen at a step becomes so many numbers, once for the memory and once for the question."""
    nearby: int = 1
    """Steps that the predictor sees of where it is asked, the one in question included."""
    width: int = 64
    """Hidden units of the predictor."""
    context: int = 1
    """Steps that the uncertainty detector sees, the one in question included."""
    detector: int = 64
    """Its hidden units."""

    def __post_init__(self):
        at_least(self, 1, "features", "nearby", "width", "context", "detector")

    def shown(self, task: "AbstractLongTask") -> "AbstractLongTask":
        """The task, as this model must see it."""
        from vestige.tasks.longterm import WithContextWindow

        return task if self.nearby == 1 else WithContextWindow(task, self.nearby)

    def build(self, task: "AbstractLongTask | Stream", cell: Cell, *, span: int, key: "Key") -> "LongTermModel":
        """The model, for what `shown(task)` shows and asks."""
        import jax

        from vestige.models.longterm import Detector, LongTermModel

        keys = jax.random.split(key, 6)
        outcome = _outcome(task)
        local = self._read(task, keys[3])
        detector = Detector(local, outcome.size, context=self.context, width=self.detector, key=keys[4])
        memory = cell.build(self.features, span=span, key=keys[1])
        encoder, question = self._read(task, keys[0]), self._asked(task, keys[2])
        return LongTermModel(encoder, memory, question, outcome, detector, width=self.width, key=keys[5])

    def _read(self, task: "AbstractLongTask | Stream", key: "Key") -> "AbstractInput":
        """Of the step itself."""
        from vestige.models.longterm import Now

        own = _input(task, self.features, key=key)
        return own if self.nearby == 1 else Now(own)

    def _asked(self, task: "AbstractLongTask | Stream", key: "Key") -> "AbstractInput":
        """Of a step that is asked about."""
        import jax

        from vestige.models.longterm import Recent

        keys = jax.random.split(key, 2)
        own = _input(task, self.features, key=keys[0])
        return own if self.nearby == 1 else Recent(own, self.nearby, self.width, key=keys[1])


def _input(task: "AbstractLongTask | Stream", features: int, *, key: "Key") -> "AbstractInput":
    from vestige.models.longterm import Token, Vector

    if task.tokens is not None:
        return Token(task.tokens, features, key=key)
    assert task.features is not None
    return Vector(task.features, features, key=key)


def _outcome(task: "AbstractLongTask | Stream") -> "AbstractOutcome":
    from vestige.models.longterm import Classes, Number

    return Number() if task.classes is None else Classes(task.classes)
