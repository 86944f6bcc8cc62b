"""A long-term memory of pictures, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from vestige.cells.specs import CellSpec, LSTMSpec
from vestige.checks import at_least
from vestige.models.spec import ModelSpec
from vestige.spec import load

if TYPE_CHECKING:
    from vestige.models.longterm.model import LongTermModel
    from vestige.models.longterm.picture import Picture
    from vestige.typing import Key


@runtime_checkable
class Recording(Protocol):
    """Recorded episodes of a game."""

    @property
    def frames(self) -> Any:
        """Pictures, `(steps, rows, columns, channels)`."""
        ...

    @property
    def choices(self) -> int:
        """How many actions there are."""
        ...

    @property
    def horizon(self) -> int:
        """The most steps of an episode."""
        ...


@runtime_checkable
class HasRecording(Protocol):
    """A task on recorded episodes."""

    @property
    def train(self) -> Recording:
        """Those to train on."""
        ...


SHUT = LSTMSpec(forget_bias=3.0, input_bias=-2.0, gates="hard")


@dataclasses.dataclass(frozen=True)
class PictureMemorySpec(ModelSpec):
    """A recurrent memory of what is seen in a game, which predicts the reward of every step."""

    cell: CellSpec = SHUT
    features: int = 64
    """Numbers that a step is read into: once for the memory, once for the question and once for the detector."""
    channels: int = 16
    """Channels of the first convolution; the second has twice as many."""
    width: int = 64
    """Hidden units of the predictor and of the uncertainty detector."""

    part: ClassVar[str] = "vestige.models.longterm.model:LongTermModel"
    needs: ClassVar[str] = "recorded game"
    provides: ClassVar[frozenset[str]] = frozenset({"long-term memory"})
    subject: ClassVar[str] = "a long-term memory of what was seen in a game"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "features", "channels", "width")

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "memup", "rollout": 20, "targets": 4, "frequency": 10, "scan_chunk": 105}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "muon", "rate": 3e-3}

    def suited(self, rule: Any) -> Any:
        """The rule with those options of the default rule that it has too and does not take over from another."""
        names = {field.name for field in dataclasses.fields(rule)} - {*rule.shared}
        return dataclasses.replace(rule, **{name: own for name, own in self.default_rule.items() if name in names})

    def build(self, task: HasRecording, *, key: "Key") -> "LongTermModel":
        import jax

        from vestige.models.longterm.detector import Detector
        from vestige.models.longterm.outcome import Number
        from vestige.models.longterm.picture import Picture

        seen, keys = task.train, jax.random.split(key, 6)
        before = tuple(range(seen.choices))  # a memory may know the last action,
        now = tuple(range(seen.choices, 2 * seen.choices))  # and only a question the one that is about to be taken

        def encoder(columns: tuple[int, ...], key: "Key") -> "Picture":
            return Picture(seen.frames.shape[1:], columns, self.features, width=self.channels, key=key)

        outcome = Number()
        detector = Detector(encoder(now, keys[3]), outcome.size, width=self.width, key=keys[4])
        cell = self.cell.build(self.features, distance=seen.horizon, key=keys[1])
        memory, question = encoder(before, keys[0]), encoder(now, keys[2])
        return load(self.part)(memory, cell, question, outcome, detector, width=self.width, key=keys[5])
