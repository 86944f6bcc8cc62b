"""Multi-object tracking as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from vestige.checks import at_least
from vestige.models.structured.specs import ObjectiveModelSpec

if TYPE_CHECKING:
    from vestige.models.structured.tracking import TrackingModel
    from vestige.typing import Key


@runtime_checkable
class DetectedObjects(Protocol):
    """What a tracking model must know of the detections for which it is built; options and built tasks say it."""

    @property
    def objects(self) -> int:
        """Objects, and detections in every frame."""
        ...


@dataclasses.dataclass(frozen=True)
class TrackingSpec(ObjectiveModelSpec):
    """Multi-object tracking: which detection belongs to which track is a latent of every frame."""

    association: Literal["matching", "independent", "attention"] = "matching"
    """Which associations there are. matching: one detection for each track, a recursive Gumbel-max matching;
    independent: every detection chooses its track by itself; attention: no latent, softmax weights."""
    draws: int = 4
    """Sequences of associations drawn for each example; the mean of the others is the baseline of each."""
    level: Literal["trace", "value"] = "trace"
    """Of a matching, whose log-probability is trained: that of its trace, or of the matching itself, its n! traces
    summed, O(2^n n²)."""
    width: int = 32
    """Units of the recurrent state of a track, and of all hidden layers."""

    needs: ClassVar[str] = "detections"
    subject: ClassVar[str] = "a tracker with latent data association"
    adam_options: ClassVar[Mapping[str, Any]] = {"rate": 3e-3}

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1 if self.association == "attention" else 2, "draws")
        at_least(self, 1, "width")
        if self.level == "value" and self.association != "matching":
            raise ValueError(
                f"level value is of a matching, whose traces are many; {self.association} has one for each value: "
                "leave level out"
            )

    def summary(self) -> dict[str, str]:
        return {"draws": str(self.draws)} if self.association != "attention" else {}

    def objective(self, task: DetectedObjects) -> Any:
        """The evidence lower bound by detection."""
        from vestige.models.structured.tracking import TrackingBound

        return TrackingBound()

    def build(self, task: DetectedObjects, *, key: "Key") -> "TrackingModel":
        import jax

        from vestige.models.structured.associations import Attention, Independent, OneToOne
        from vestige.models.structured.tracking import TrackingModel
        from vestige.models.structured.tracks import DetectionScorer, TrackDynamics

        key_dynamics, key_scorer = jax.random.split(key)
        association = {"matching": OneToOne(self.level), "independent": Independent(), "attention": Attention()}
        return TrackingModel(
            TrackDynamics(self.width, key=key_dynamics),
            DetectionScorer(self.width, key=key_scorer),
            association[self.association],
            self.draws,
        )

    @classmethod
    def examples(cls):
        return (
            cls(width=8, draws=2),
            cls("matching", 2, "value", 8),
            cls("independent", 2, width=8),
            cls("attention", 1, width=8),
        )
