"""The rules by which a long-term memory may be trained, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from vestige.experiments.checks import at_least, positive

if TYPE_CHECKING:
    from vestige.rules import AbstractRule


CHUNK = 100  # steps that a survey reads at a time


class Told(NamedTuple):
    """What a task tells of its sequences."""

    steps: int | None
    """The most steps of one; None where there is no telling."""
    queries: Callable[[Any], Any] | None
    """The steps of one on which the task judges; None where it judges on all of them."""


@dataclasses.dataclass(frozen=True)
class AbstractLearning(abc.ABC):
    """A rule, still to be told how long a rollout is."""

    clip: float | None = 1.0
    """Global norm at which the gradient is clipped; None leaves it alone."""

    def __post_init__(self):
        positive(self, "clip")

    @abc.abstractmethod
    def build(self, told: Told, *, rollout: int, targets: int) -> "AbstractRule":
        """The rule. **Raises** `ValueError` where what it must know is not told."""

    @abc.abstractmethod
    def updates(self, steps: int, *, rollout: int) -> int:
        """How many of them work through sequences of `steps` steps."""


@dataclasses.dataclass(frozen=True)
class AbstractRolling(AbstractLearning):
    """One rollout per update."""

    def updates(self, steps: int, *, rollout: int) -> int:
        return -(-steps // rollout)


@dataclasses.dataclass(frozen=True)
class AbstractWhole(AbstractLearning):
    """Whole sequences per update."""

    def updates(self, steps: int, *, rollout: int) -> int:
        return 1

    def steps(self, told: Told) -> int:
        """Of a whole sequence. **Raises** `ValueError` where there is no telling."""
        if told.steps is None:
            raise ValueError(
                "rules bptt and checkpointed go back through whole sequences, and where a file is read from end to end "
                "there is none; cut it with --task.segment N, or use --rule memup or truncated"
            )
        return told.steps


@dataclasses.dataclass(frozen=True)
class MemUP(AbstractRolling):
    """Rollouts that are asked about the distant future."""

    score: Literal["surprise", "entropy", "unexplained", "reducible", "chance", "queries"] = "surprise"
    """Which steps are worth asking about. chance: blindly chosen ones. queries: those on which the task judges."""
    selection: Literal["most", "gumbel", "importance"] = "most"
    """The best, or a draw among them without or with replacement."""
    temperature: float = 0.25
    """Of that draw."""
    frequency: int | None = None
    """Steps between two prediction points; None: one at the end of a rollout."""
    current: bool = True
    """Ask about the current step too."""
    average: float | None = None
    """Decay of the moving average with which sequences are surveyed; None: the model as it is."""

    def __post_init__(self):
        super().__post_init__()
        positive(self, "temperature")
        at_least(self, 1, "frequency")

    def build(self, told: Told, *, rollout: int, targets: int) -> "AbstractRule":
        from vestige import rules

        scores = {
            "surprise": rules.Surprise,
            "entropy": rules.Entropy,
            "unexplained": rules.HindsightScore,
            "reducible": rules.ReducibleUncertainty,
            "chance": rules.RandomScore,
            "queries": lambda: rules.OracleScore(_known(told.queries)),
        }
        selections = {
            "most": rules.TopK,
            "gumbel": lambda: rules.GumbelTopK(self.temperature),
            "importance": lambda: rules.Importance(self.temperature),
        }
        return rules.MemUP(
            rollout,
            targets,
            frequency=self.frequency,
            score=scores[self.score](),
            selection=selections[self.selection](),
            current=self.current,
            average=self.average,
            scan_chunk=CHUNK if told.steps is None else min(CHUNK, told.steps),
            clip=self.clip,
        )


def _known(queries: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if queries is None:
        raise ValueError(
            "rule.score queries (rule oracle-targets) asks about the steps on which the task judges, and of a file "
            "nobody knows which these are; use --rule memup"
        )
    return queries


@dataclasses.dataclass(frozen=True)
class Truncated(AbstractRolling):
    """Back-propagation through time, cut after every rollout."""

    def build(self, told: Told, *, rollout: int, targets: int) -> "AbstractRule":
        from vestige import rules

        return rules.Truncated(rollout, clip=self.clip)


@dataclasses.dataclass(frozen=True)
class BPTT(AbstractWhole):
    """Back-propagation through the whole sequence."""

    def build(self, told: Told, *, rollout: int, targets: int) -> "AbstractRule":
        from vestige.models.longterm import WholeSequence
        from vestige.rules import Gradient

        return Gradient(WholeSequence(self.steps(told)), clip=self.clip)


@dataclasses.dataclass(frozen=True)
class Checkpointed(AbstractWhole):
    """The same gradient, of which the backward pass computes one segment again at a time."""

    segment: int | None = None
    """Steps between two stored states; None: the root of the length, which stores least."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "segment")

    def build(self, told: Told, *, rollout: int, targets: int) -> "AbstractRule":
        from vestige.models.longterm import WholeSequence
        from vestige.rules import Gradient

        steps = self.steps(told)
        segment = self.segment or max(1, round(steps**0.5))
        return Gradient(WholeSequence(steps, segment), clip=self.clip)


Rule = MemUP | Truncated | BPTT | Checkpointed

RULES: Mapping[str, Rule] = {
    "memup": MemUP(),
    "truncated": Truncated(),
    "bptt": BPTT(),
    "checkpointed": Checkpointed(),
    "random-targets": MemUP(score="chance"),
    "oracle-targets": MemUP(score="queries"),
}
