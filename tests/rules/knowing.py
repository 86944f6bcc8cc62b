"""A model made by hand that remembers the symbol of `Recall` and knows what it does not know."""

import equinox as eqx
import jax
import jax.numpy as jnp

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


def knowing_model(task, *, knows: bool, key) -> LongTermModel:
    """The detector gives every symbol the same chance where one is due, and is sure of blank elsewhere.

    So does the predictor, who at the question names the symbol held, if it `knows`.
    """
    symbols, tokens, classes = task.symbols, task.tokens, task.classes
    keys = jax.random.split(key, 6)
    cell = Holds(symbols)
    token = lambda k: eqx.tree_at(lambda t: t.table.weight, Token(tokens, tokens, key=k), jnp.eye(tokens))
    detector = Detector(token(keys[0]), classes, width=2, key=keys[1])
    question = token(keys[2])
    model = LongTermModel(token(keys[3]), cell, question, Classes(classes), detector, width=2 + symbols, key=keys[4])
    due = (jnp.arange(tokens) == symbols + 1) | (jnp.arange(tokens) == symbols + 2)  # the question, a noisy step
    kind = jnp.stack([due, ~due]).astype(float)
    blank = jnp.zeros((classes, 2)).at[symbols].set(jnp.array([-SURE, SURE]))
    asked = jnp.zeros((symbols, tokens)).at[:, symbols + 1].set(1.0)
    recall = jnp.concatenate([asked, jnp.eye(symbols)], axis=1)  # one where both are
    hidden = jnp.concatenate([jnp.pad(kind, ((0, 0), (0, symbols))), recall])
    bias = jnp.concatenate([jnp.zeros(2), jnp.full(symbols, -1.0)])
    naming = jnp.pad(jnp.eye(symbols), ((0, 1), (0, 0))) * (SURE if knows else 0.0)
    where = lambda m: (
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
        hidden,
        bias,
        jnp.concatenate([blank, naming], axis=1),
        jnp.zeros(classes),
        kind[:, :, None],
        jnp.zeros((2, 1)),
        blank,
        jnp.zeros(classes),
    )
    return eqx.tree_at(where, model, weights)
