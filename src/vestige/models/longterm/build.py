"""A recurrent long-term memory put together from its parts."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax

from vestige.cells import AbstractCell
from vestige.models.longterm.detector import Detector
from vestige.models.longterm.inputs import AbstractInput, Now, Recent, Token, Vector
from vestige.models.longterm.model import LongTermModel
from vestige.models.longterm.outcome import AbstractOutcome, Classes, Number
from vestige.typing import Key


@runtime_checkable
class HasOutcomes(Protocol):
    """What must be known of the sequences for which a memory is built."""

    @property
    def tokens(self) -> int | None:
        """How many different integers may be seen at a step; None where vectors are seen."""
        ...

    @property
    def features(self) -> int | None:
        """The length of the vector that is seen at a step; None where integers are seen."""
        ...

    @property
    def classes(self) -> int | None:
        """How many classes an outcome has; None where it is a number."""
        ...


def recurrent(
    task: HasOutcomes,
    cell: Callable[..., AbstractCell[Any]],
    *,
    features: int = 32,
    context_window: int = 1,
    width: int = 64,
    detector_context: int = 1,
    detector_width: int = 64,
    key: Key,
) -> LongTermModel:
    """A cell with an encoder before it and a predictor behind it, and an uncertainty detector.

    **Arguments:**

    - `task`: what is seen at a step and what is to be predicted there.
    - `cell`: called as `cell(features, key=key)`.
    - `features`: numbers that become of what is seen at a step, once for the memory and once for the question.
    - `context_window`: steps that the predictor sees of where it is queried; above 1, every step of the task must show
      as many (`task.with_context_window`).
    - `width`: hidden units of the predictor.
    - `detector_context`, `detector_width`: steps that the detector sees, and its hidden units.
    """
    keys = jax.random.split(key, 6)

    def reads(key: Key) -> AbstractInput:
        """Of the step itself."""
        own = _input(task, features, key=key)
        return own if context_window == 1 else Now(own)

    def asks(key: Key) -> AbstractInput:
        """Of a step that is queried."""
        inner, layer = jax.random.split(key, 2)
        own = _input(task, features, key=inner)
        return own if context_window == 1 else Recent(own, context_window, width, key=layer)

    outcome: AbstractOutcome = Number() if task.classes is None else Classes(task.classes)
    detector = Detector(reads(keys[3]), outcome.size, context=detector_context, width=detector_width, key=keys[4])
    memory = cell(features, key=keys[1])
    return LongTermModel(reads(keys[0]), memory, asks(keys[2]), outcome, detector, width=width, key=keys[5])


def _input(task: HasOutcomes, features: int, *, key: Key) -> AbstractInput:
    if task.tokens is not None:
        return Token(task.tokens, features, key=key)
    assert task.features is not None
    return Vector(task.features, features, key=key)
