"""MemUP, its scores and its selections, and what may be set of each; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from vestige.checks import at_least, between, positive
from vestige.registries import Registry
from vestige.rules.spec import RuleSpec
from vestige.spec import Spec, load

if TYPE_CHECKING:
    from vestige.rules.memup import MemUP
    from vestige.rules.scores import AbstractScore
    from vestige.rules.selection import AbstractSelection


@runtime_checkable
class LongSequences(Protocol):
    """What rules for long-term memories must know of a task."""

    @property
    def steps(self) -> int | None:
        """The most steps of a sequence; None where a file is read from end to end."""
        ...


@runtime_checkable
class HasQueries(Protocol):
    """A task that knows at which steps an outcome takes a memory."""

    def queries(self, sequence: Any) -> Any:
        """The steps whose outcome takes a memory.

        **Arguments:**

        - `sequence`: of this task.

        **Returns:** (queries,), integers, as many in every sequence.
        """
        ...


@runtime_checkable
class MayBeUnqueried(Protocol):
    """The options of a task whose sequences may come without the steps at which a memory is evaluated."""

    @property
    def has_queries(self) -> bool:
        """Whether the task knows them."""
        ...


class ScoreSpec(Spec):
    """The options of a score: how uncertain a step is."""

    contract: ClassVar[str] = "score"

    def check(self, task: Any) -> None:
        """Check that the score fits a task; by default every one does.

        **Arguments:**

        - `task`: a `TaskSpec`.

        **Raises:** `ValueError` where it does not.
        """

    def build(self, task: Any) -> "AbstractScore":
        """The score.

        **Arguments:**

        - `task`: the built task, for scores that must know something of it.

        **Returns:** the score.

        **Raises:** `ValueError` where the task does not say what the score must know.
        """
        return self.make()


@dataclasses.dataclass(frozen=True)
class SurpriseSpec(ScoreSpec):
    """The detector's realised loss: minus the log probability of the outcome, or the squared error."""

    part: ClassVar[str] = "vestige.rules.scores:Surprise"


@dataclasses.dataclass(frozen=True)
class EntropySpec(ScoreSpec):
    """Entropy of the detector's prediction, the paper's own form; for classes only."""

    part: ClassVar[str] = "vestige.rules.scores:Entropy"


@dataclasses.dataclass(frozen=True)
class HindsightSpec(ScoreSpec):
    """The loss of memory and predictor together, the released code's form."""

    part: ClassVar[str] = "vestige.rules.scores:HindsightScore"


@dataclasses.dataclass(frozen=True)
class AbstractExplainedSpec(ScoreSpec):
    """A score of what the memory has explained."""

    curiosity: float = 0.1
    """How much of the local uncertainty counts beside that: before anything is explained, it alone decides."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0, "curiosity")


@dataclasses.dataclass(frozen=True)
class ReducibleSpec(AbstractExplainedSpec):
    """What the memory has explained of what local context cannot, by losses of what happened (ours)."""

    part: ClassVar[str] = "vestige.rules.scores:ReducibleUncertainty"


@dataclasses.dataclass(frozen=True)
class InformationGainSpec(AbstractExplainedSpec):
    """How much less uncertain memory makes a step, by entropies (ours): of classes, or numbers with a scale."""

    part: ClassVar[str] = "vestige.rules.scores:InformationGain"


@dataclasses.dataclass(frozen=True)
class RandomScoreSpec(ScoreSpec):
    """A random number: the control in which targets are chosen blindly."""

    part: ClassVar[str] = "vestige.rules.scores:RandomScore"


@dataclasses.dataclass(frozen=True)
class OracleScoreSpec(ScoreSpec):
    """Only the steps at which the task evaluates a memory: a perfect detector."""

    part: ClassVar[str] = "vestige.rules.scores:OracleScore"

    def check(self, task: Any) -> None:
        if isinstance(task, MayBeUnqueried) and not task.has_queries:
            raise self._unknown(task)

    def build(self, task: Any) -> "AbstractScore":
        if not isinstance(task, HasQueries):
            raise self._unknown(task)
        return self.make(task.queries)

    def _unknown(self, task: Any) -> ValueError:
        return ValueError(
            "score oracle (rule oracle-targets) takes the steps at which the task evaluates a memory, and "
            f"{type(task).__name__} does not know these; use --rule memup"
        )


SCORES: Registry[ScoreSpec] = Registry(
    "score",
    ScoreSpec,
    {
        "surprise": SurpriseSpec(),
        "entropy": EntropySpec(),
        "hindsight": HindsightSpec(),
        "reducible": ReducibleSpec(),
        "gain": InformationGainSpec(),
        "random": RandomScoreSpec(),
        "oracle": OracleScoreSpec(),
    },
)
"""What `--score NAME` stands for: which steps are worth predicting."""


class SelectionSpec(Spec):
    """The options of a selection: which of the steps with the largest scores become targets."""

    contract: ClassVar[str] = "selection"

    def build(self) -> "AbstractSelection":
        """The selection.

        **Returns:** a new one; it holds no arrays.
        """
        return self.make()


@dataclasses.dataclass(frozen=True)
class TopKSpec(SelectionSpec):
    """The steps with the largest scores."""

    part: ClassVar[str] = "vestige.rules.selection:TopK"


@dataclasses.dataclass(frozen=True)
class GumbelTopKSpec(SelectionSpec):
    """A draw without replacement, likelier where scores are larger, anew at every prediction point."""

    temperature: float = 0.25
    """Of the draw; towards 0 the largest scores, towards infinity any step."""

    part: ClassVar[str] = "vestige.rules.selection:GumbelTopK"

    def __post_init__(self):
        super().__post_init__()
        positive(self, "temperature")


@dataclasses.dataclass(frozen=True)
class ImportanceSpec(SelectionSpec):
    """A draw with replacement, weighted so that the loss is unbiased for the sum over all candidates."""

    temperature: float = 1.0
    """Of the draw; towards 0 the largest scores, towards infinity any step."""

    part: ClassVar[str] = "vestige.rules.selection:Importance"

    def __post_init__(self):
        super().__post_init__()
        positive(self, "temperature")


SELECTIONS: Registry[SelectionSpec] = Registry(
    "selection",
    SelectionSpec,
    {"topk": TopKSpec(), "gumbel": GumbelTopKSpec(), "importance": ImportanceSpec()},
)
"""What `--selection NAME` stands for."""


def even_windows(steps: int, at_most: int) -> int:
    """The size of the fewest windows over `steps` steps that have at most `at_most` each, all about as full.

    **Arguments:**

    - `steps`: of a sequence.
    - `at_most`: steps of a window.

    **Returns:** steps of a window: 120 steps in windows of at most 100 are read 60 at a time, so that no window is
    computed to be thrown away.
    """
    return -(-steps // -(-steps // at_most))


@dataclasses.dataclass(frozen=True)
class AbstractMemUPSpec(RuleSpec):
    """Rollouts that must predict distant outcomes."""

    rollout: int = 10
    """Steps that the gradient goes back."""
    targets: int = 1
    """Later steps whose outcomes a rollout must predict."""
    frequency: int | None = None
    """Steps between two prediction points; None: one at the end of a rollout."""
    stride: int | None = None
    """Steps from one rollout's start to the next one's; None: as many as a rollout has."""
    horizon: int | None = None
    """How many steps ahead the farthest target may lie; None: as far as the sequence, or the document, goes."""
    score: ScoreSpec = SurpriseSpec()
    selection: SelectionSpec = TopKSpec()
    current: bool = True
    """Predict the current step too."""
    candidates: int | None = None
    """Steps that a scoring pass keeps; None: eight per target, at least 64 and targets + rollout."""
    scan_chunk: int = 100
    """Steps that a scoring pass reads at a time, at most: the windows over a sequence are of about equal size."""
    average: float | None = None
    """Decay per update of the moving average of the model with which sequences are scored; None: the model as it is."""
    clip: float | None = 1.0
    """Global norm at which the gradient is clipped; None leaves it alone."""

    part: ClassVar[str] = "vestige.rules.memup:MemUP"
    needs: ClassVar[str] = "long-term memory"
    reports_storage: ClassVar[bool] = True
    shared: ClassVar[tuple[str, ...]] = ("rollout", "targets")

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "rollout", "targets", "frequency", "stride", "horizon", "candidates", "scan_chunk")
        between(self, 0, 1, "average", open_end=True)
        positive(self, "clip")

    @property
    def steps_per_update(self) -> int:
        return self.rollout

    def summary(self) -> dict[str, str]:
        return {"rollout": f"{self.rollout:,}"}

    def check(self, model: Any, task: Any) -> None:
        super().check(model, task)
        self.score.check(task)

    def memup(self, task: LongSequences) -> "MemUP":
        """MemUP itself, its score and its selection built.

        **Arguments:**

        - `task`: the built task, whose sequences are read in windows of about equal size.

        **Returns:** the rule.

        **Raises:** `ValueError` where options do not fit each other or the task.
        """
        names = [field.name for field in dataclasses.fields(AbstractMemUPSpec)]
        options = {name: getattr(self, name) for name in names}
        chunk = self.scan_chunk if task.steps is None else even_windows(task.steps, self.scan_chunk)
        parts = {"score": self.score.build(task), "selection": self.selection.build(), "scan_chunk": chunk}
        return load(AbstractMemUPSpec.part)(**{**options, **parts})


@dataclasses.dataclass(frozen=True)
class MemUPSpec(AbstractMemUPSpec):
    """Rollouts that must predict distant outcomes, one rollout of every sequence per update."""

    def build(self, model: Any, task: LongSequences) -> "MemUP":
        return self.memup(task)

    def updates_per_batch(self, task: LongSequences) -> int:
        if task.steps is None:
            return 1
        return 1 + max(0, -(-(task.steps - self.rollout) // (self.stride or self.rollout)))
