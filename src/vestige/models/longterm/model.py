"""A memory, and a predictor that asks it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.cells import AbstractCell, unroll
from vestige.models.longterm.contract import AbstractLongTermModel
from vestige.models.longterm.detector import Detector
from vestige.models.longterm.inputs import AbstractInput
from vestige.models.longterm.outcome import AbstractOutcome
from vestige.numerics import masked_where
from vestige.typing import Key, PyTree


class LongTermModel(AbstractLongTermModel):
    """A recurrent memory, a predictor q(y_k | m_t, x_k) and a detector that has no memory (MemUP section 3.1).

    Without a rule that asks at t about later steps, k = t and this is a recurrent network with one hidden layer behind
    it.

    Unbatched. Cost per step: the cell's, and `width (question + memory + outputs)` products per prediction.

    **Arguments:**

    - `encoder`: reads what is remembered of a step.
    - `cell`: with inputs of the width of the encoder's features.
    - `question`: reads the step that is predicted.
    - `outcome`: what is predicted.
    - `detector`: with outputs of the width of `outcome`.
    - `width`: hidden units of the predictor.
    """

    encoder: AbstractInput
    """Of what is remembered."""
    cell: AbstractCell[Any]
    question: AbstractInput
    """Of the step that is queried."""
    hidden: eqx.nn.Linear
    output: eqx.nn.Linear
    outcome: AbstractOutcome
    detector: Detector

    def __init__(
        self,
        encoder: AbstractInput,
        cell: AbstractCell[Any],
        question: AbstractInput,
        outcome: AbstractOutcome,
        detector: Detector,
        *,
        width: int = 128,
        key: Key,
    ):
        keys = jax.random.split(key, 2)
        self.encoder, self.cell, self.question, self.outcome, self.detector = encoder, cell, question, outcome, detector
        self.hidden = eqx.nn.Linear(question.features_size + cell.output_size, width, key=keys[0])
        self.output = eqx.nn.Linear(width, outcome.size, key=keys[1])

    def init(self) -> Any:
        return self.cell.init()

    def encode(
        self, state: Any, inputs: PyTree[Array], mask: Bool[Array, " time"] | None = None
    ) -> tuple[Any, Float[Array, "time memory"]]:
        return unroll(self.cell, state, jax.vmap(self.encoder)(masked_where(mask, inputs)), mask=mask)

    def predict(self, memory: Float[Array, " memory"], inputs: PyTree[Array]) -> Float[Array, " outputs"]:
        """q(y_k | m_t, x_k), in the form that `outcome` understands."""
        asked = jnp.concatenate([self.question(inputs), memory])
        return self.output(jax.nn.relu(self.hidden(asked)))

    def surprise(self, memory: Float[Array, " memory"], inputs: PyTree[Array], outcome: Array) -> Float[Array, ""]:
        return self.outcome.loss(self.predict(memory, inputs), outcome)
