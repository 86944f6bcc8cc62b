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
    pytree: many sequences of a kind are one with a leading axis. The same window is the same whenever it is asked for.
    """

    length: eqx.AbstractVar[Int[Array, ""]]
    """How many steps it has."""

    @abc.abstractmethod
    def window(self, start: Int[Array, ""], size: int) -> Window:
        """Steps `start` to `start + size - 1`; `start` may be negative, and the end beyond the last step.

        Costs time and memory in proportion to `size`, whatever the length.
        """


def at(sequence: AbstractSequence, steps: Int[Array, " picked"], width: int = 1) -> Window:
    """For each of some steps the window of `width` steps that ends with it: fields (picked, width, …)."""
    return jax.vmap(lambda step: sequence.window(step - (width - 1), width))(steps)
