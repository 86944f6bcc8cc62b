"""The rules for long-term memories, by name, and what may be set of each; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import at_least, between, positive
from vestige.rules.memup_specs import AbstractMemUPSpec, LongSequences, MemUPSpec, OracleScoreSpec, RandomScoreSpec
from vestige.rules.spec import RuleSpec
from vestige.spec import load

if TYPE_CHECKING:
    from vestige.rules.chunks import ChunkParallel
    from vestige.rules.contract import AbstractRule
    from vestige.rules.gradient import Gradient


@dataclasses.dataclass(frozen=True)
class AbstractMemoryRuleSpec(RuleSpec):
    """A rule for long-term memories that clips its gradient."""

    clip: float | None = dataclasses.field(default=1.0, kw_only=True)
    """Global norm at which the gradient is clipped; None leaves it alone."""

    needs: ClassVar[str] = "long-term memory"
    reports_storage: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        positive(self, "clip")


@dataclasses.dataclass(frozen=True)
class AbstractRolloutSpec(AbstractMemoryRuleSpec):
    """One rollout of every sequence per update."""

    rollout: int = 10
    """Steps that the gradient goes back."""

    shared: ClassVar[tuple[str, ...]] = ("rollout",)

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "rollout")

    @property
    def steps_per_update(self) -> int:
        return self.rollout

    def summary(self) -> dict[str, str]:
        return {"rollout": f"{self.rollout:,}"}

    def updates_per_batch(self, task: LongSequences) -> int:
        return 1 if task.steps is None else -(-task.steps // self.rollout)


@dataclasses.dataclass(frozen=True)
class TruncatedSpec(AbstractRolloutSpec):
    """Back-propagation through time, cut after every rollout."""

    part: ClassVar[str] = "vestige.rules.truncated:Truncated"

    def build(self, model: Any, task: LongSequences) -> "AbstractRule":
        return self.make()


@dataclasses.dataclass(frozen=True)
class RandomlyTruncatedSpec(AbstractRolloutSpec):
    """Back-propagation through time, cut at random rollouts and weighted so that it stays unbiased."""

    cut: float = 0.1
    """Probability of a cut after a rollout; 0: never."""
    longest: int | None = None
    """Most rollouts per update, each of which needs a place for a state; None: as many as a sequence has."""

    part: ClassVar[str] = "vestige.rules.random_truncation:RandomlyTruncated"

    def __post_init__(self):
        super().__post_init__()
        between(self, 0, 1, "cut", open_end=True)
        at_least(self, 1, "longest")

    def build(self, model: Any, task: LongSequences) -> "AbstractRule":
        if self.longest is not None:
            return self.make()
        return self.make(longest=-(-whole_sequence(task, "randomly-truncated without --rule.longest") // self.rollout))


@dataclasses.dataclass(frozen=True)
class AbstractWholeSequenceSpec(AbstractMemoryRuleSpec):
    """Whole sequences per update."""

    def gradient(self, steps: int, segment: int | None = None) -> "Gradient":
        """The gradient of the loss of whole sequences.

        **Arguments:**

        - `steps`: the most that a sequence has.
        - `segment`: steps between two stored states, the others being computed again; None: every state is stored.

        **Returns:** the rule.
        """
        objective = load("vestige.models.longterm.objective:WholeSequence")(steps, segment)
        return load("vestige.rules.gradient:Gradient")(objective, clip=self.clip)


@dataclasses.dataclass(frozen=True)
class BPTTSpec(AbstractWholeSequenceSpec):
    """Back-propagation through the whole sequence."""

    def build(self, model: Any, task: LongSequences) -> "Gradient":
        return self.gradient(whole_sequence(task, "bptt"))


@dataclasses.dataclass(frozen=True)
class CheckpointedSpec(AbstractWholeSequenceSpec):
    """Back-propagation through the whole sequence, of which the backward pass computes one segment again at a time."""

    segment: int | None = None
    """Steps between two stored states; None: the root of the length, which stores least."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "segment")

    def build(self, model: Any, task: LongSequences) -> "Gradient":
        steps = whole_sequence(task, "checkpointed")
        return self.gradient(steps, self.segment or max(1, round(steps**0.5)))


@dataclasses.dataclass(frozen=True)
class ChunkParallelSpec(AbstractMemUPSpec):
    """MemUP with whole sequences per update: rollouts side by side instead of one after the other."""

    chunks_at_once: int = 1
    """How many rollouts of each sequence are followed at once; changes only time and storage."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "chunks_at_once")

    def build(self, model: Any, task: LongSequences) -> "ChunkParallel":
        steps = whole_sequence(task, "chunk-parallel")
        return load("vestige.rules.chunks:ChunkParallel")(self.memup(task), steps, self.chunks_at_once)


def whole_sequence(task: LongSequences, rule: str) -> int:
    """The steps of a whole sequence.

    **Arguments:**

    - `task`: on long sequences.
    - `rule`: its name, for the message.

    **Raises:** `ValueError` where the task reads a file from end to end and has no whole sequence.
    """
    if task.steps is None:
        raise ValueError(
            f"rule {rule} takes whole sequences, and where a file is read from end to end there is none; cut it with "
            "--task.segment N, or use --rule memup or truncated"
        )
    return task.steps


LONG_TERM_RULES = {
    "memup": MemUPSpec(),
    "truncated": TruncatedSpec(),
    "bptt": BPTTSpec(),
    "checkpointed": CheckpointedSpec(),
    "random-targets": MemUPSpec(score=RandomScoreSpec()),
    "oracle-targets": MemUPSpec(score=OracleScoreSpec()),
    "chunk-parallel": ChunkParallelSpec(),
    "randomly-truncated": RandomlyTruncatedSpec(),
}
