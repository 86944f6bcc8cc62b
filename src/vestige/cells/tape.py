"""A cell that writes on a tape."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.cells.contract import AbstractCell
from vestige.typing import Key


class TapeState(NamedTuple):
    """The state of the `controller`, the `words` on the tape, (slots, word), and the place of the `head`."""

    controller: Any
    words: Float[Array, "slots word"]
    head: Float[Array, " slots"]
    """Shares of the head's place; they sum to 1."""


class Tape(AbstractCell[TapeState]):
    """Memory-augmented cell: any cell as controller, and a tape whose write head stays or takes one step forward.

    With z = tanh(V [x, h]) and the gate a = min(max(1/2 + (w [x, h] + b) / 6, 0), 1), one number,

        h   = controller(x)
        T' = T + a p (z - T)            what is under the head p is replaced, as far as the gate is open
        p' = (1 - a) p + a shift(p)     and the head moves on as far

    and the output is [h, T'], all of the tape: a predictor that is queried about any of its words sees it. The
    location-based addressing of the neural Turing machine (Graves et al. 2014, arXiv:1410.5401, equations 3, 4 and 8),
    of which only "stay" and "forward" are left, with one gate for writing and moving.

    The gate is piecewise linear and not a sigmoid, so that it can be shut: at a = 0 the tape is the same bit for bit,
    after one step as after a million, and nothing a memory has kept decays or drifts. It starts half open, where its
    gradient is largest. Words lie in the order in which they came, however long nothing was written in between.
    The tape is a ring: one more word than `slots` replaces the first.

    Cost per step: the controller's, `(input + hidden) (word + 1)` products, and `slots (word + 1)` for writing. Its
    output has `hidden + slots word` numbers.

    **Arguments:**

    - `controller`: with inputs of width `input_size`.
    - `slots`, `word_size`: words on the tape, and numbers of each.

    **Raises:** `ValueError` where `slots` is below 2 or `word_size` below 1.
    """

    controller: AbstractCell[Any]
    word: eqx.nn.Linear
    gate: eqx.nn.Linear
    slots: int = eqx.field(static=True)
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(self, controller: AbstractCell[Any], input_size: int, *, slots: int, word_size: int, key: Key):
        if slots < 2 or word_size < 1:
            raise ValueError(
                f"Tape: needs at least slots=2, so that there is a next one, and word_size=1; got slots={slots} and "
                f"word_size={word_size}"
            )
        keys = jax.random.split(key)
        seen = input_size + controller.output_size
        self.controller, self.slots = controller, slots
        self.word = eqx.nn.Linear(seen, word_size, key=keys[0])
        self.gate = eqx.nn.Linear(seen, 1, key=keys[1])
        self.output_size = controller.output_size + slots * word_size
        self.drive_size = controller.drive_size

    def init(self) -> TapeState:
        words = jnp.zeros((self.slots, self.word.weight.shape[0]))
        return TapeState(self.controller.init(), words, jnp.zeros(self.slots).at[0].set(1.0))

    def __call__(
        self, state: TapeState, x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[TapeState, Float[Array, " hidden"]]:
        controller, h = self.controller(state.controller, x, drive)
        seen = jnp.concatenate([x, h])
        gate = jax.nn.hard_sigmoid(self.gate(seen))
        written = (gate * state.head)[:, None]
        words = state.words + written * (jnp.tanh(self.word(seen))[None] - state.words)
        head = (1.0 - gate) * state.head + gate * jnp.roll(state.head, 1)
        return TapeState(controller, words, head), jnp.concatenate([h, words.ravel()])
