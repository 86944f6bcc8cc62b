"""A model made by hand that remembers the symbol of `Recall` and knows what it does not know."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from tests.drawn import drawn
from vestige.cells import AbstractCell
from vestige.models.longterm import Classes, Detector, LongTermModel, Token

SURE = 50.0


class Holds(AbstractCell[jax.Array]):
    """Keeps the first `output_size` numbers of whatever was largest."""

    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True, default=1)

    def init(self):
        return jnp.zeros(self.output_size)

    def __call__(self, state, x, drive=None):
        state = jnp.maximum(state, x[: self.output_size])
        return state, state


def knowing_model(task, *, knows: bool) -> LongTermModel:
    """The detector gives every symbol the same chance where one is due, and is sure of blank elsewhere.

    So does the predictor, who at the question names the symbol held, if it `knows`.
    """
    symbols, tokens, classes = task.symbols, task.tokens, task.classes

    def build(key):
        token = lambda: Token(tokens, tokens, key=key)
        detector = Detector(token(), classes, width=2, key=key)
        return LongTermModel(token(), Holds(symbols), token(), Classes(classes), detector, width=2 + symbols, key=key)

    token = np.arange(tokens)
    due = (token == symbols + 1) | (token == symbols + 2)  # the question, a noisy step
    kind = np.stack([due, ~due]).astype(float)
    blank = np.zeros((classes, 2))
    blank[symbols] = -SURE, SURE
    asked = np.zeros((symbols, tokens))
    asked[:, symbols + 1] = 1.0
    recall = np.concatenate([asked, np.eye(symbols)], axis=1)  # one where both are
    hidden = np.concatenate([np.pad(kind, ((0, 0), (0, symbols))), recall])
    bias = np.concatenate([np.zeros(2), np.full(symbols, -1.0)])
    naming = np.pad(np.eye(symbols), ((0, 1), (0, 0))) * (SURE if knows else 0.0)
    where = lambda m: (
        m.encoder.table.weight,
        m.question.table.weight,
        m.detector.encoder.table.weight,
        m.hidden.weight,
        m.hidden.bias,
        m.output.weight,
        m.output.bias,
        m.detector.hidden.weight,
        m.detector.hidden.bias,
        m.detector.output.weight,
        m.detector.output.bias,
    )
    weights = (
        *[np.eye(tokens)] * 3,
        hidden,
        bias,
        np.concatenate([blank, naming], axis=1),
        np.zeros(classes),
        kind[:, :, None],
        np.zeros((2, 1)),
        blank,
        np.zeros(classes),
    )
    return eqx.tree_at(where, drawn(build), tuple(jnp.asarray(each, jnp.float32) for each in weights))
