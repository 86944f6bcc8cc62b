"""The recurrences that a long-term memory may have, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from vestige.experiments.checks import at_least

if TYPE_CHECKING:
    from vestige.cells import AbstractCell, AbstractRetention
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class AbstractRecurrence(abc.ABC):
    """A cell of `hidden` units, `layers` of them on top of each other."""

    hidden: int = 64
    """Units of each layer."""
    layers: int = 1
    """How many there are."""

    def __post_init__(self):
        at_least(self, 1, "hidden", "layers")

    @abc.abstractmethod
    def layer(self, inputs: int, *, span: int, key: "Key") -> "AbstractCell[Any]":
        """One of them, made to remember for about `span` steps."""

    def build(self, inputs: int, *, span: int, key: "Key") -> "AbstractCell[Any]":
        """The cell."""
        import jax

        from vestige.cells import Stacked

        cells: list[AbstractCell[Any]] = []
        for k in jax.random.split(key, self.layers):
            cells.append(self.layer(cells[-1].output_size if cells else inputs, span=span, key=k))
        return cells[0] if self.layers == 1 else Stacked(cells)


@dataclasses.dataclass(frozen=True)
class AbstractGated(AbstractRecurrence):
    """A cell with gates that keep."""

    keep: float | None = 3.0
    """The bias of the gates that keep; None: times from 1 to the distance at random (chrono initialisation)."""
    admit: float | None = None
    """The bias of the gates that admit; None: the opposite of `keep`."""

    def __post_init__(self):
        super().__post_init__()
        if self.keep is None and self.admit is not None:
            raise ValueError(
                f"admit={self.admit} needs a keep: where that is None, chrono initialisation sets both biases"
            )

    def retention(self, span: int) -> "AbstractRetention":
        """How much of the state it keeps before it has learned anything."""
        from vestige.cells import Chrono, Fixed

        if self.keep is None:
            return Chrono(float(max(span, 3)))
        return Fixed(self.keep, -self.keep if self.admit is None else self.admit)


@dataclasses.dataclass(frozen=True)
class LSTM(AbstractGated):
    """Long short-term memory."""

    gates: Literal["sigmoid", "hard"] = "sigmoid"
    """What the gates that keep and admit are made by. hard: piecewise linear, so that they can be shut; what is kept
    then stays bit for bit."""

    def layer(self, inputs: int, *, span: int, key: "Key") -> "AbstractCell[Any]":
        import jax

        from vestige import cells

        gate = {"sigmoid": jax.nn.sigmoid, "hard": jax.nn.hard_sigmoid}[self.gates]
        return cells.LSTM(inputs, self.hidden, retention=self.retention(span), gate=gate, key=key)


@dataclasses.dataclass(frozen=True)
class GRU(AbstractGated):
    """Gated recurrent unit."""

    def layer(self, inputs: int, *, span: int, key: "Key") -> "AbstractCell[Any]":
        from vestige import cells

        return cells.GRU(inputs, self.hidden, retention=self.retention(span), key=key)


@dataclasses.dataclass(frozen=True)
class SRNN(AbstractRecurrence):
    """A shift of the state by one place, and a rectified sum: what enters is never damped."""

    def layer(self, inputs: int, *, span: int, key: "Key") -> "AbstractCell[Any]":
        from vestige import cells

        return cells.SRNN(inputs, self.hidden, key=key)


@dataclasses.dataclass(frozen=True)
class Linear(AbstractRecurrence):
    """A diagonal linear recurrence, all steps of a window at once."""

    def layer(self, inputs: int, *, span: int, key: "Key") -> "AbstractCell[Any]":
        from vestige import cells

        return cells.LinearRecurrence(inputs, self.hidden, longest=float(max(span, 2)), key=key)


@dataclasses.dataclass(frozen=True)
class Remembering(AbstractGated):
    """An LSTM with a DNC's memory behind it."""

    slots: int = 16
    """Words."""
    width: int = 16
    """Of a word."""
    heads: int = 2
    """Reads per step."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "slots", "width", "heads")

    def layer(self, inputs: int, *, span: int, key: "Key") -> "AbstractCell[Any]":
        import equinox as eqx
        import jax

        from vestige import cells, memory

        keys = jax.random.split(key, 3)
        size = {"slots": self.slots, "word_size": self.width, "heads": self.heads}
        behind = memory.DNC(self.width, self.hidden, **size, key=keys[0])
        fed = inputs + behind.feedback_size
        cell = cells.LSTM(fed, self.hidden, retention=self.retention(span), key=keys[1])
        return cells.Remembering(cell, behind, eqx.nn.Linear(inputs + self.hidden, self.width, key=keys[2]))


@dataclasses.dataclass(frozen=True)
class Tape(AbstractRecurrence):
    """An LSTM that writes on a tape, word after word; who is asked sees all of it.

    The LSTM itself is one that soon forgets: what it kept for long by its own gates would drift where the tape does
    not.
    """

    hidden: int = 32
    """Units of each layer's LSTM."""
    slots: int = 16
    """Words."""
    width: int = 16
    """Of a word."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "slots")
        at_least(self, 1, "width")

    def layer(self, inputs: int, *, span: int, key: "Key") -> "AbstractCell[Any]":
        import jax

        from vestige import cells

        keys = jax.random.split(key)
        controller = cells.LSTM(inputs, self.hidden, key=keys[0])
        return cells.Tape(controller, inputs, slots=self.slots, word_size=self.width, key=keys[1])


Cell = LSTM | GRU | SRNN | Linear | Remembering | Tape

CELLS: Mapping[str, Cell] = {
    "lstm": LSTM(),
    "hard-lstm": LSTM(keep=3.0, admit=-2.0, gates="hard"),
    "gru": GRU(),
    "srnn": SRNN(),
    "linear": Linear(),
    "dnc": Remembering(),
    "tape": Tape(),
}
