"""A long task whose steps show the last few as well."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, Int

from vestige.sequences import AbstractSequence, ContextWindowSequence
from vestige.tasks.longterm.contract import AbstractLongTask
from vestige.typing import Key, Metrics


class WithContextWindow(AbstractLongTask):
    """`task`, every step of which shows the last `width` steps too.

    Who is asked about a later step then sees where that is: needed where the questions are all alike and only their
    order tells them apart, as in `Copy`. Outcomes, queries and metrics are those of `task`.

    **Raises:** `ValueError` where `width < 1`.
    """

    task: AbstractLongTask
    width: int = eqx.field(static=True)

    def __check_init__(self):
        if self.width < 1:
            raise ValueError(f"WithContextWindow: width counts the step itself, so it is at least 1; got {self.width}")

    @property
    def steps(self) -> int:
        return self.task.steps

    @property
    def tokens(self) -> int | None:
        return self.task.tokens

    @property
    def features(self) -> int | None:
        return self.task.features

    @property
    def classes(self) -> int | None:
        return self.task.classes

    def sequence(self, *, key: Key) -> ContextWindowSequence:
        return ContextWindowSequence(self.task.sequence(key=key), self.width)

    def held_out(self, *, key: Key) -> ContextWindowSequence:
        return ContextWindowSequence(self.task.held_out(key=key), self.width)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        assert isinstance(sequence, ContextWindowSequence)
        return self.task.queries(sequence.sequence)

    def judge(
        self, predictions: Float[Array, "queries outputs"], outcomes: Array
    ) -> dict[str, Float[Array, " queries"]]:
        return self.task.judge(predictions, outcomes)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        return self.task.bounds(metrics)
