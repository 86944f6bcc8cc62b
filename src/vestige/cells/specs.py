"""The cells by name, and what may be set of each; nothing here imports JAX."""

import abc
import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.checks import WIDTH, at_least, between
from vestige.memory.specs import DNCSpec, MemorySpec
from vestige.registries import Registry, registry
from vestige.spec import Spec, load

if TYPE_CHECKING:
    from vestige.cells.contract import AbstractCell
    from vestige.cells.retention import AbstractRetention
    from vestige.typing import Key


class CellSpec(Spec):
    """The options of a recurrent cell."""

    contract: ClassVar[str] = "cell"
    largest: ClassVar[int] = WIDTH

    @abc.abstractmethod
    def build(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        """The cell.

        **Arguments:**

        - `inputs`: numbers that it sees at a step.
        - `distance`: over how many steps something must be remembered, about; for cells that start out made for it.
        - `key`: for its initial parameters.

        **Returns:** a cell for inputs of shape (inputs,).

        **Raises:** `ValueError` for sizes that do not fit.
        """


@dataclasses.dataclass(frozen=True)
class AbstractLayeredSpec(CellSpec):
    """A cell of `hidden` units, `layers` of them on top of each other."""

    hidden: int = 64
    """Units of each layer."""
    layers: int = 1
    """How many layers there are."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "hidden", "layers")

    @abc.abstractmethod
    def layer(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        """One layer.

        **Arguments:**

        - `inputs`: numbers that it sees at a step: the cell's inputs, or the outputs of the layer below.
        - `distance`: as in `build`.
        - `key`: for its initial parameters.

        **Returns:** a cell with inputs of shape (inputs,).
        """

    def build(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        import jax

        from vestige.cells.stacked import Stacked

        cells: list[AbstractCell[Any]] = []
        for k in jax.random.split(key, self.layers):
            cells.append(self.layer(cells[-1].output_size if cells else inputs, distance=distance, key=k))
        return cells[0] if self.layers == 1 else Stacked(cells)


@dataclasses.dataclass(frozen=True)
class AbstractGatedSpec(AbstractLayeredSpec):
    """A cell with gates that keep and gates that admit."""

    forget_bias: float | None = 3.0
    """The bias of the gates that keep; None: times from 1 to the distance at random (chrono initialisation)."""
    input_bias: float | None = None
    """The bias of the gates that admit; None: the opposite of `forget_bias`."""

    def __post_init__(self):
        super().__post_init__()
        if self.forget_bias is None and self.input_bias is not None:
            raise ValueError(
                f"input_bias={self.input_bias} needs a forget_bias: where that is None, chrono initialisation sets "
                "both biases"
            )

    def retention(self, distance: int) -> "AbstractRetention":
        """How much of the state the cell keeps before it has learned anything.

        **Arguments:**

        - `distance`: steps that chrono initialisation is to bridge, where `forget_bias` is None; less than 3 counts as
          3.

        **Returns:** the initial biases of its gates: `Chrono`, or `Fixed` where `forget_bias` is set.
        """
        from vestige.cells.retention import Chrono, Fixed

        if self.forget_bias is None:
            return Chrono(float(max(distance, 3)))
        return Fixed(self.forget_bias, -self.forget_bias if self.input_bias is None else self.input_bias)


@dataclasses.dataclass(frozen=True)
class LSTMSpec(AbstractGatedSpec):
    """Long short-term memory."""

    gates: Literal["sigmoid", "hard"] = "sigmoid"
    """What makes the gates that keep and admit. hard: piecewise linear, so that they can be shut; what is kept then
    stays bit for bit."""

    part: ClassVar[str] = "vestige.cells.lstm:LSTM"

    def layer(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        import jax

        gate = {"sigmoid": jax.nn.sigmoid, "hard": jax.nn.hard_sigmoid}[self.gates]
        return load(self.part)(inputs, self.hidden, retention=self.retention(distance), gate=gate, key=key)


@dataclasses.dataclass(frozen=True)
class GRUSpec(AbstractGatedSpec):
    """Gated recurrent unit."""

    part: ClassVar[str] = "vestige.cells.gru:GRU"

    def layer(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        return load(self.part)(inputs, self.hidden, retention=self.retention(distance), key=key)


@dataclasses.dataclass(frozen=True)
class SRNNSpec(AbstractLayeredSpec):
    """A shift of the state by one place, and a rectified sum: what enters is never damped."""

    part: ClassVar[str] = "vestige.cells.srnn:SRNN"

    def layer(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        return load(self.part)(inputs, self.hidden, key=key)


@dataclasses.dataclass(frozen=True)
class LinearSpec(AbstractLayeredSpec):
    """A diagonal linear recurrence, all steps of a window at once."""

    units: int | None = None
    """Complex numbers of each layer's state; None: as many as `hidden`."""
    angle: float = 0.3
    """Radians per step, the range on either side of 0 in which the angles of the eigenvalues start: small for inputs
    that change slowly, pi (the largest) for those in no order."""

    part: ClassVar[str] = "vestige.cells.linear:LinearRecurrence"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "units")
        between(self, 0.0, math.pi, "angle")

    def layer(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        longest = float(max(distance, 2))
        return load(self.part)(inputs, self.hidden, units=self.units, longest=longest, angle=self.angle, key=key)


FEW_WORDS = DNCSpec(slots=16, word_size=16)
MOST_KEPT = 1024  # steps that a memory keeps behind a cell where its slots are not said


@dataclasses.dataclass(frozen=True)
class RememberingSpec(AbstractGatedSpec):
    """An LSTM with an external memory behind it."""

    memory: MemorySpec = FEW_WORDS
    """Where its slots are None, it has as many as twice the distance has steps, at most 1024."""
    write_size: int = 16
    """Numbers that are written to the memory at a step."""

    part: ClassVar[str] = "vestige.cells.remembering:Remembering"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "write_size")

    def layer(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        import equinox as eqx
        import jax

        from vestige.cells.lstm import LSTM
        from vestige.memory.contract import AbstractFeedbackMemory

        keys = jax.random.split(key, 3)
        frames = min(2 * distance, MOST_KEPT)
        memory = self.memory.build(self.write_size, self.hidden, frames=frames, key=keys[0])
        fed = inputs + (memory.feedback_size if isinstance(memory, AbstractFeedbackMemory) else 0)
        cell = LSTM(fed, self.hidden, retention=self.retention(distance), key=keys[1])
        return load(self.part)(cell, memory, eqx.nn.Linear(inputs + self.hidden, self.write_size, key=keys[2]))


@dataclasses.dataclass(frozen=True)
class TapeSpec(AbstractLayeredSpec):
    """An LSTM that writes on a tape, word after word; whoever is queried sees all of it.

    The LSTM itself forgets soon: what it kept for long by its own gates would drift where the tape does not.
    """

    hidden: int = 32
    """Units of each layer's LSTM."""
    slots: int = 16
    """Words on the tape."""
    word_size: int = 16
    """Numbers per word."""

    part: ClassVar[str] = "vestige.cells.tape:Tape"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "slots")
        at_least(self, 1, "word_size")

    def layer(self, inputs: int, *, distance: int, key: "Key") -> "AbstractCell[Any]":
        import jax

        from vestige.cells.lstm import LSTM

        keys = jax.random.split(key)
        controller = LSTM(inputs, self.hidden, key=keys[0])
        return load(self.part)(controller, inputs, slots=self.slots, word_size=self.word_size, key=keys[1])


def remembering() -> Mapping[str, CellSpec]:
    """A cell for each registered memory that keeps anything, by the memory's name."""
    return {name: RememberingSpec(memory=memory) for name, memory in registry("memory").items() if memory.keeps}


CELLS: Registry[CellSpec] = Registry(
    "cell",
    CellSpec,
    {
        "lstm": LSTMSpec(),
        "hard-lstm": LSTMSpec(forget_bias=3.0, input_bias=-2.0, gates="hard"),
        "gru": GRUSpec(),
        "srnn": SRNNSpec(),
        "linear": LinearSpec(),
        "dnc": RememberingSpec(),
        "tape": TapeSpec(),
    },
    derived=remembering,
)
"""What `--cell NAME` stands for; beside these, every memory's name stands for an LSTM with that memory."""
