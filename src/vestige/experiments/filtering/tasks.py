"""The tasks for filters, as options; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from vestige.experiments.checks import at_least, positive
from vestige.experiments.filtering.masses import FILMS, LETTERS, MOTION, NOTES, PLANE, POPULATION
from vestige.experiments.optimisers import MassSpringDamper

if TYPE_CHECKING:
    from vestige.models.families import AbstractFamily
    from vestige.tasks.filtering import AbstractFilteringTask


@dataclasses.dataclass(frozen=True)
class AbstractObserved(abc.ABC):
    """Sequences of observations."""

    judged_by: ClassVar[str]
    """The metric that counts."""

    @property
    @abc.abstractmethod
    def shape(self) -> str:
        """What is seen at a step, in a few words."""

    def masses(self, family: "AbstractFamily") -> MassSpringDamper:
        """Of harmoniums that learn from it, where nothing else is said; `family` is that of the observations."""
        return POPULATION

    @abc.abstractmethod
    def build(self) -> "AbstractFilteringTask":
        """The task. **Raises** `UsageError` where its data are missing."""

    @abc.abstractmethod
    def rehearse(self, *, seed: int) -> "AbstractFilteringTask":
        """As `build`, with noise of the same shape in place of data that are missing."""


class AbstractGenerated(AbstractObserved):
    """Those that are made as they are read: no data can be missing."""

    def rehearse(self, *, seed: int) -> "AbstractFilteringTask":
        return self.build()


class AbstractRecorded(AbstractObserved):
    """Those whose data are files."""

    @abc.abstractmethod
    def noise(self, *, seed: int) -> "AbstractFilteringTask":
        """As `build`, without files."""

    def rehearse(self, *, seed: int) -> "AbstractFilteringTask":
        from vestige.errors import UsageError

        try:
            return self.build()
        except UsageError:
            return self.noise(seed=seed)


@dataclasses.dataclass(frozen=True)
class Ring(AbstractGenerated):
    """Something that moves on a ring, seen by a population of neurons."""

    variant: Literal["oscillator", "efference", "free", "two-dimensional", "gaussian"] = "oscillator"
    """A mass on a spring; driven by a force that is reported; without the spring; in two dimensions; seen as a real
    number."""
    time: int = 1000
    """Steps of a sequence."""

    judged_by: ClassVar[str] = "mse_ratio"

    def __post_init__(self):
        at_least(self, 2, "time")

    def masses(self, family: "AbstractFamily") -> MassSpringDamper:
        return PLANE if self.variant == "two-dimensional" else POPULATION

    @property
    def shape(self) -> str:
        return {"gaussian": "1 number", "two-dimensional": "225 counts", "efference": "30 counts"}.get(
            self.variant, "15 counts"
        )

    def build(self) -> "AbstractFilteringTask":
        from vestige.tasks import filtering

        variants = {
            "oscillator": filtering.ring_1d,
            "efference": filtering.ring_with_efference_copy,
            "free": filtering.ring_without_spring,
            "two-dimensional": filtering.ring_2d,
            "gaussian": filtering.ring_seen_by_a_gaussian,
        }
        return variants[self.variant](self.time)


@dataclasses.dataclass(frozen=True)
class Sensors(AbstractGenerated):
    """One number that drifts, seen by several noisy sensors."""

    sensors: int = 2
    decay: float = 0.9
    """Of the number, per step."""
    time: int = 400
    """Steps of a sequence."""

    judged_by: ClassVar[str] = "mse_ratio"

    def __post_init__(self):
        at_least(self, 1, "sensors")
        at_least(self, 2, "time")
        if not 0 < self.decay < 1:
            raise ValueError(f"decay must be in (0, 1), got {self.decay}")

    @property
    def shape(self) -> str:
        return f"{self.sensors} numbers"

    def build(self) -> "AbstractFilteringTask":
        from vestige.tasks.filtering import SensorFusion, default_noise

        return SensorFusion(self.decay, default_noise(self.sensors), self.time)


@dataclasses.dataclass(frozen=True)
class Balls(AbstractGenerated):
    """Balls that bounce in a box, as films."""

    balls: int = 3
    resolution: int = 15
    """Pixels along a side."""
    time: int = 100
    """Frames of a film."""

    judged_by: ClassVar[str] = "frame_error"

    def __post_init__(self):
        at_least(self, 1, "balls", "resolution")
        at_least(self, 3, "time")

    def masses(self, family: "AbstractFamily") -> MassSpringDamper:
        return FILMS

    @property
    def shape(self) -> str:
        return f"{self.resolution} x {self.resolution} pixels"

    def build(self) -> "AbstractFilteringTask":
        from vestige.tasks.filtering import BouncingBalls

        return BouncingBalls(self.balls, self.resolution, self.time)


@dataclasses.dataclass(frozen=True)
class Music(AbstractRecorded):
    """Polyphonic music as piano rolls."""

    corpus: Literal["jsb", "nottingham", "piano-midi", "musedata"] = "jsb"
    time: int = 100
    """Frames of a training window."""

    judged_by: ClassVar[str] = "log_likelihood"

    def __post_init__(self):
        at_least(self, 2, "time")

    def masses(self, family: "AbstractFamily") -> MassSpringDamper:
        return NOTES

    @property
    def shape(self) -> str:
        return "88 keys"

    def build(self) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.data import music

        return music(self.corpus, self.time)

    def noise(self, *, seed: int) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.noise import music

        return music(self.time, seed=seed)


@dataclasses.dataclass(frozen=True)
class Motion(AbstractRecorded):
    """Joint angles of people in motion."""

    recording: Literal["walking", "exercises"] = "walking"
    nth: int = 4
    """Every which frame is kept."""
    changes: bool = True
    """Whether the change since the last frame is seen beside the posture."""
    time: int = 50
    """Frames of a training window."""

    judged_by: ClassVar[str] = "frame_error"

    def __post_init__(self):
        at_least(self, 1, "nth")
        at_least(self, 2, "time")

    def masses(self, family: "AbstractFamily") -> MassSpringDamper:
        return MOTION

    @property
    def shape(self) -> str:
        return "joint angles and their changes" if self.changes else "joint angles"

    def build(self) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.data import motion

        return motion(self.recording, self.nth, self.time, changes=self.changes)

    def noise(self, *, seed: int) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.noise import motion

        return motion(self.recording, self.nth, self.time, changes=self.changes, seed=seed)


@dataclasses.dataclass(frozen=True)
class Text(AbstractRecorded):
    """Characters of a text."""

    text: Literal["shakespeare", "war-and-peace"] = "shakespeare"
    time: int = 400
    """Characters of a training window."""

    judged_by: ClassVar[str] = "bits_per_character"

    def __post_init__(self):
        at_least(self, 2, "time")

    def masses(self, family: "AbstractFamily") -> MassSpringDamper:
        return LETTERS

    @property
    def shape(self) -> str:
        return "one character"

    def build(self) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.data import text

        return text(self.text, self.time)

    def noise(self, *, seed: int) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.noise import text

        return text(self.time, seed=seed)


@dataclasses.dataclass(frozen=True)
class Places(AbstractRecorded):
    """Spikes of hippocampal cells of an animal that runs."""

    recording: Literal["linear-track", "w-maze"] = "linear-track"
    bin: float = 0.25
    """Seconds."""
    time: int = 20
    """Bins of a training window."""

    judged_by: ClassVar[str] = "position_error"

    def __post_init__(self):
        positive(self, "bin")
        at_least(self, 2, "time")

    @property
    def shape(self) -> str:
        return "counts of spikes"

    def build(self) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.data import places

        return places(self.recording, self.bin, self.time)

    def noise(self, *, seed: int) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.noise import places

        return places(self.recording, self.bin, self.time, seed=seed)


@dataclasses.dataclass(frozen=True)
class File(AbstractGenerated):
    """Recordings of one's own."""

    path: str | None = None
    """An .npy file of observations (time, numbers), or an .npz file with observations and, if need be, lengths (of
    several recordings one after the other) and outcomes (to be read out of states). None: an invented example."""
    values: Literal["numbers", "counts", "bits"] | None = None
    """What the observations are; None: as their type says, floating-point, integer or boolean."""
    held_out: float = 0.2
    """Share at the end of each recording on which the model is judged."""
    leave_out: bool = False
    """Whether numbers that never change are left out; otherwise they are refused."""
    changes: bool = False
    """Whether the change since the last step is seen beside the numbers, and foretold: for what drifts slowly."""
    time: int = 100
    """Steps of a training window."""

    judged_by: ClassVar[str] = "frame_error"

    def __post_init__(self):
        at_least(self, 2, "time")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out must be in (0, 1), got {self.held_out}")

    def masses(self, family: "AbstractFamily") -> MassSpringDamper:
        from vestige.models.families import Bernoulli, UnitGaussian

        kinds = {UnitGaussian: MOTION, Bernoulli: NOTES}
        return kinds.get(type(family), POPULATION)

    @property
    def shape(self) -> str:
        return "an example" if self.path is None else f"what {self.path} holds"

    def build(self) -> "AbstractFilteringTask":
        from vestige.experiments.filtering.data import own

        return own(
            self.path,
            self.values,
            held_out=self.held_out,
            leave_out=self.leave_out,
            changes=self.changes,
            time=self.time,
        )


Observed = Ring | Sensors | Balls | Music | Motion | Text | Places | File
