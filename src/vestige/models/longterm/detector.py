"""What can be predicted from the context window alone."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.layers import convolved
from vestige.models.longterm.inputs import AbstractInput
from vestige.numerics import masked_where
from vestige.typing import Key, PyTree


class Detector(eqx.Module):
    """d(y_k | x_{k-w+1} … x_k): a predictor that sees `context` steps and no more (MemUP sections 3.3 and 6).

    One hidden layer over the features of the last w steps, made for all steps of a window at once. Its uncertainty
    says which outcomes need a memory, for it cannot have one.

    **Arguments:**

    - `encoder`: from the inputs of one step to features.
    - `outputs`: width of a prediction, the `size` of the outcome.
    - `context`: w, steps that it sees, that of the outcome included.
    - `width`: units of the hidden layer.

    **Raises:** `ValueError` where `context < 1`.
    """

    encoder: AbstractInput
    hidden: eqx.nn.Conv1d
    output: eqx.nn.Linear
    context: int = eqx.field(static=True)

    def __init__(self, encoder: AbstractInput, outputs: int, *, context: int = 1, width: int = 64, key: Key):
        if context < 1:
            raise ValueError(f"Detector: context counts the step itself, so it is at least 1; got {context}")
        keys = jax.random.split(key, 2)
        self.encoder, self.context = encoder, context
        self.hidden = eqx.nn.Conv1d(encoder.features_size, width, context, key=keys[0])
        self.output = eqx.nn.Linear(width, outputs, key=keys[1])

    def __call__(self, inputs: PyTree[Array], inside: Array) -> Float[Array, "steps outputs"]:
        """Predict from local context.

        **Arguments:**

        - `inputs`: of consecutive steps, time first.
        - `inside`: (time,), bool; steps that are not inside the sequence count as zeros.

        **Returns:** (time - context + 1, outputs), predictions for all steps but the first `context - 1`, which are
        there to be looked back at.
        """
        features = jax.vmap(self.encoder)(masked_where(inside, inputs))
        features = jnp.where(inside[:, None], features, 0.0)
        return jax.vmap(self.output)(jax.nn.relu(convolved(self.hidden, features)))
