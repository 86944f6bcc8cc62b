"""Sequences under way, each in a place of its own."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from vestige.sequences import AbstractSequence


class Slots(eqx.Module):
    """The sequences at work, how far each has come, and the memory with which it got there; batch first."""

    sequence: AbstractSequence
    """The sequences, one a slot."""
    offset: Int[Array, " batch"]
    """The step at which each goes on."""
    state: Any
    """That of the memory, one a slot."""

    @property
    def ended(self) -> Bool[Array, " batch"]:
        """Whose sequence is over."""
        return self.offset >= self.sequence.length

    def refilled(self, fresh: AbstractSequence, initial: Any) -> "Slots":
        """Ended ones begin a new sequence, with the initial state."""
        ended = self.ended
        return Slots(
            replace(ended, fresh, self.sequence),
            jnp.where(ended, 0, self.offset),
            replace(ended, _rows(initial, ended.shape), self.state),
        )


def replace(where: Bool[Array, " batch"], new: Any, old: Any) -> Any:
    """Row by row `new` where `where` is True, else `old`; pytrees with a leading batch axis."""

    def one(n: Array, o: Array) -> Array:
        return jnp.where(where.reshape(where.shape + (1,) * (n.ndim - 1)), n, o)

    return jax.tree.map(one, new, old)


def empty(fresh: AbstractSequence, initial: Any) -> Slots:
    """Slots like those for `fresh` sequences, each with the state `initial`, whose sequences are over, so that the
    first batch fills them all.
    """
    return Slots(fresh, fresh.length, _rows(initial, fresh.length.shape))


def beginning(sequence: AbstractSequence, initial: Any) -> Slots:
    """Slots that are at the first step of each `sequence`, with the state `initial`."""
    return Slots(sequence, jnp.zeros_like(sequence.length), _rows(initial, sequence.length.shape))


def _rows(initial: Any, shape: tuple[int, ...]) -> Any:
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape + leaf.shape), initial)
