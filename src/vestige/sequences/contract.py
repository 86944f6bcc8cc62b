"""The contract of a sequence that may be far longer than memory."""

import abc

import equinox as eqx
import jax
from jaxtyping import Array, Bool, Int

from vestige.typing import PyTree


class Window(eqx.Module):
    """Consecutive steps of a sequence, time first.

    Where `inside` is False a step lies before the first or after the last, and its inputs and outcomes mean nothing;
    where `known` is False it has no outcome (`known` implies `inside`).
    """

    inputs: PyTree[Array]
    """What is locally available at each step."""
    outcomes: PyTree[Array]
    """What is to be predicted there."""
    known: Bool[Array, " size"]
    inside: Bool[Array, " size"]


class AbstractSequence(eqx.Module):
    """One sequence, known by its windows.

    It holds arrays, or just what is needed to make any window again (a key, a symbol, a place in a file), and is a
    pytree: many sequences of a kind are one with a leading axis. The same window is the same whenever it is read.
    """

    length: eqx.AbstractVar[Int[Array, ""]]
    """How many steps it has."""

    @abc.abstractmethod
    def window(self, start: Int[Array, ""], size: int) -> Window:
        """Read consecutive steps.

        Costs time and memory in proportion to `size`, whatever the length.

        **Arguments:**

        - `start`: the first step; may be negative, and may be traced.
        - `size`: how many steps, static; the last may lie beyond the end of the sequence.

        **Returns:** steps `start` to `start + size - 1`, time first; those that do not exist are not `inside`.
        """


def at(sequence: AbstractSequence, steps: Int[Array, " picked"], width: int = 1) -> Window:
    """For each of some steps the window that ends with it.

    **Arguments:**

    - `sequence`: that is read.
    - `steps`: (picked,), integers.
    - `width`: steps of each window, static.

    **Returns:** one window, whose fields have the leading axes (picked, width).
    """
    return jax.vmap(lambda step: sequence.window(step - (width - 1), width))(steps)
