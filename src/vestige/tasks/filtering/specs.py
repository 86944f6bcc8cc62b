"""The filtering tasks, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.checks import at_least, positive
from vestige.data import NamedData, Source, UserFile, text_data
from vestige.data.hippocampus import NPZ as TRACKS
from vestige.data.hippocampus import Track
from vestige.data.mocap import NPZ as MOTIONS
from vestige.data.mocap import Motion
from vestige.data.music import NPZ as CORPORA
from vestige.data.music import Corpus
from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError
from vestige.spec import load
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.tasks.filtering.contract import AbstractFilteringTask
    from vestige.typing import Key

DUMMY = "vestige.tasks.filtering.dummy_data"


class FilteringSpec(TaskSpec):
    """Sequences of observations."""

    provides: ClassVar[frozenset[str]] = frozenset({"observations"})
    min_eval_size: ClassVar[int] = 2  # what states know is read out by regressions that are fitted on one half
    evaluated_by: ClassVar[str]
    """The metric that counts."""

    @property
    def metric(self) -> str:
        return self.evaluated_by

    @property
    @abc.abstractmethod
    def seen(self) -> str:
        """What is seen at a step, in a few words."""

    def summary(self) -> dict[str, str]:
        return {"seen at a step": self.seen}


class RecordedSpec(FilteringSpec):
    """Sequences of observations in files."""

    def loaded(self) -> "AbstractFilteringTask":
        """The task on its data.

        **Returns:** the task.

        **Raises:** `UsageError` where its data are missing.
        """
        return self.make()

    @abc.abstractmethod
    def noise(self, *, key: "Key") -> "AbstractFilteringTask":
        """The task on noise of the same shape.

        **Arguments:**

        - `key`: of the noise.

        **Returns:** the task.
        """

    def build(self, *, seed: int) -> "AbstractFilteringTask":
        return self.loaded()

    def dummy_build(self, *, key: "Key") -> "AbstractFilteringTask":
        try:
            return self.loaded()
        except UsageError:
            return self.noise(key=key)


@dataclasses.dataclass(frozen=True)
class RingSpec(FilteringSpec):
    """Something that moves on a ring, seen by a population of neurons."""

    variant: Literal["oscillator", "efference", "free", "two-dimensional", "gaussian"] = "oscillator"
    """A mass on a spring; driven by a force that is reported; without the spring; in two dimensions; seen as a real
    number."""
    length: int = 1000
    """Steps of a sequence."""

    evaluated_by: ClassVar[str] = "mse_ratio"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "length")

    @property
    def seen(self) -> str:
        few = {"gaussian": "1 number", "two-dimensional": "225 counts", "efference": "30 counts"}
        return few.get(self.variant, "15 counts")

    def build(self, *, seed: int) -> "AbstractFilteringTask":
        variants = {
            "oscillator": "ring_1d",
            "efference": "ring_with_efference_copy",
            "free": "ring_without_spring",
            "two-dimensional": "ring_2d",
            "gaussian": "ring_seen_by_a_gaussian",
        }
        return load(f"vestige.tasks.filtering.ring:{variants[self.variant]}")(self.length)


@dataclasses.dataclass(frozen=True)
class SensorsSpec(FilteringSpec):
    """One number that drifts, seen by several noisy sensors."""

    sensors: int = 2
    """How many there are, as much information in all for any number."""
    decay: float = 0.9
    """Of the number, per step."""
    length: int = 400
    """Steps of a sequence."""

    part: ClassVar[str] = "vestige.tasks.filtering.sensors:SensorFusion"
    evaluated_by: ClassVar[str] = "mse_ratio"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "sensors")
        at_least(self, 2, "length")
        if not 0 < self.decay < 1:
            raise ValueError(f"decay must be in (0, 1), got {self.decay}")

    @property
    def seen(self) -> str:
        return f"{self.sensors} numbers"

    def build(self, *, seed: int) -> "AbstractFilteringTask":
        noise = load("vestige.tasks.filtering.sensors:default_noise")(self.sensors)
        return load(self.part)(self.decay, noise, self.length)


@dataclasses.dataclass(frozen=True)
class BallsSpec(FilteringSpec):
    """Balls that bounce in a box, as films."""

    balls: int = 3
    """How many there are, 1 to 6."""
    resolution: int = 15
    """Pixels along a side."""
    length: int = 100
    """Frames of a film."""

    part: ClassVar[str] = "vestige.tasks.filtering.bouncing:BouncingBalls"
    evaluated_by: ClassVar[str] = "frame_error"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "balls", "resolution")
        at_least(self, 3, "length")

    @property
    def seen(self) -> str:
        return f"{self.resolution} x {self.resolution} pixels"

    def build(self, *, seed: int) -> "AbstractFilteringTask":
        return self.make()


@dataclasses.dataclass(frozen=True)
class MusicSpec(RecordedSpec):
    """Polyphonic music as piano rolls."""

    corpus: Corpus = "jsb"
    """A corpus of the data set music."""
    length: int = 100
    """Frames of a training window."""

    part: ClassVar[str] = "vestige.tasks.filtering.loading:music"
    evaluated_by: ClassVar[str] = "log_likelihood"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "length")

    @property
    def seen(self) -> str:
        return "88 keys"

    def sources(self) -> tuple[Source, ...]:
        return (NamedData("music", (CORPORA[self.corpus],)),)

    def noise(self, *, key: "Key") -> "AbstractFilteringTask":
        return load(f"{DUMMY}:music")(self.length, key=key)


@dataclasses.dataclass(frozen=True)
class MotionSpec(RecordedSpec):
    """Joint angles of people in motion."""

    recording: Motion = "walking"
    """A recording of the data set mocap."""
    nth: int = 1
    """Every which frame is kept."""
    changes: bool = False
    """Whether the change since the last frame is seen beside the posture."""
    length: int = 100
    """Frames of a training window."""

    part: ClassVar[str] = "vestige.tasks.filtering.loading:motion"
    evaluated_by: ClassVar[str] = "frame_error"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "nth")
        at_least(self, 2, "length")

    @property
    def seen(self) -> str:
        return "joint angles and their changes" if self.changes else "joint angles"

    def sources(self) -> tuple[Source, ...]:
        return (NamedData("mocap", (MOTIONS[self.recording],)),)

    def noise(self, *, key: "Key") -> "AbstractFilteringTask":
        return load(f"{DUMMY}:motion")(self.recording, self.nth, self.length, changes=self.changes, key=key)


@dataclasses.dataclass(frozen=True)
class TextSpec(RecordedSpec):
    """Characters of a text."""

    text: str = "tinyshakespeare"
    """A data set that is a text, `vestige data list`: tinyshakespeare, warandpeace, or one of a plugin."""
    length: int = 400
    """Characters of a training window."""

    evaluated_by: ClassVar[str] = "bits_per_character"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "length")
        try:
            text_data(self.text)
        except UsageError as error:
            raise ValueError(f"text: {error}") from error

    @property
    def seen(self) -> str:
        return "one character"

    def sources(self) -> tuple[Source, ...]:
        return (NamedData(self.text),)

    def loaded(self) -> "AbstractFilteringTask":
        return load("vestige.tasks.filtering.loading:text")(self.text, self.length)

    def noise(self, *, key: "Key") -> "AbstractFilteringTask":
        return load(f"{DUMMY}:text")(self.length, key=key)


@dataclasses.dataclass(frozen=True)
class PlacesSpec(RecordedSpec):
    """Spikes of hippocampal cells of an animal that runs."""

    recording: Track = "linear-track"
    """A recording of the data set hippocampus."""
    bin: float = 0.25
    """Seconds."""
    length: int = 20
    """Bins of a training window."""

    part: ClassVar[str] = "vestige.tasks.filtering.loading:places"
    evaluated_by: ClassVar[str] = "position_error"

    def __post_init__(self):
        super().__post_init__()
        positive(self, "bin")
        at_least(self, 2, "length")

    @property
    def seen(self) -> str:
        return "counts of spikes"

    def sources(self) -> tuple[Source, ...]:
        return (NamedData("hippocampus", (TRACKS[self.recording],)),)

    def noise(self, *, key: "Key") -> "AbstractFilteringTask":
        return load(f"{DUMMY}:places")(self.recording, self.bin, self.length, key=key)


@dataclasses.dataclass(frozen=True)
class RecordingsSpec(FilteringSpec, ReadOptions):
    """Your own recordings, from a file."""

    path: str | None = None
    """An .npy file of observations (time, numbers), or an .npz file with observations and, if need be, lengths (of
    several recordings one after the other) and outcomes (to be read out of states); or a table, such as a CSV or
    Parquet file, with a row for each step. None: a generated example."""
    values: Literal["numbers", "counts", "bits"] | None = None
    """What the observations are; None: as their type says, floating-point, integer or boolean."""
    held_out: float = 0.2
    """Share at the end of each recording on which the model is evaluated."""
    leave_out: bool = False
    """Whether numbers that never change are left out; otherwise they are refused."""
    changes: bool = False
    """Whether the change since the last step is seen beside the numbers, and predicted: for what drifts slowly."""
    length: int = 100
    """Steps of a training window."""
    inputs: str | None = None
    """Columns of a table that are observed, A,B. None: as vestige data describe suggests."""
    outcomes: str | None = None
    """Columns of a table that are read out of states, A,B. None: as vestige data describe suggests."""
    document: str | None = None
    """The column of a table that distinguishes recordings. None: as vestige data describe suggests."""
    incomplete: bool = False
    """Whether a step that is missing in some of its values counts as missing; otherwise its other values count."""

    part: ClassVar[str] = "vestige.tasks.filtering.loading:custom"
    evaluated_by: ClassVar[str] = "frame_error"

    def __post_init__(self):
        super().__post_init__()
        ReadOptions.__post_init__(self)
        at_least(self, 2, "length")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out must be in (0, 1), got {self.held_out}")

    @property
    def seen(self) -> str:
        return "an example" if self.path is None else f"what {self.path} holds"

    @property
    def held_out_share(self) -> float:
        """As `vestige.experiments.protocols.HoldsOutTheEnd` says."""
        return self.held_out

    def sources(self) -> tuple[Source, ...]:
        return () if self.path is None else (UserFile("path", self.path),)

    def build(self, *, seed: int) -> "AbstractFilteringTask":
        return self.make()

    def fitted(self, task: Any) -> dict[str, Any]:
        columns = {} if task.columns is None else {"columns": task.columns.as_plain()}
        return {**task.scaling.as_plain(), **columns}

    def build_fitted(self, fitted: Mapping[str, Any], *, seed: int) -> "AbstractFilteringTask":
        scaling = load("vestige.tasks.filtering.scaling:Scaling").from_plain(fitted)
        if (columns := fitted.get("columns")) is not None:
            columns = load("vestige.data.recorded_table:RecordedColumns").from_plain(columns)
        return self.make(scaling=scaling, columns=columns)

    def without_data(self) -> "RecordingsSpec":
        return UnreadRecordingsSpec(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class UnreadRecordingsSpec(RecordingsSpec):
    """Recordings whose file is not read: a model that is trained on them is built, and predicts other files."""

    def sources(self) -> tuple[Source, ...]:
        return ()

    def build_fitted(self, fitted: Mapping[str, Any], *, seed: int) -> "AbstractFilteringTask":
        columns = fitted.get("columns")
        return load("vestige.tasks.filtering.loading:unread")(
            load("vestige.tasks.filtering.scaling:Scaling").from_plain(fitted),
            columns and load("vestige.data.recorded_table:RecordedColumns").from_plain(columns),
            self.length,
        )


FILTERING_TASKS: Mapping[str, TaskSpec] = {
    "ring": RingSpec(),
    "sensors": SensorsSpec(),
    "balls": BallsSpec(),
    "music": MusicSpec(),
    "motion": MotionSpec(),
    "text": TextSpec(),
    "places": PlacesSpec(),
    "recordings": RecordingsSpec(),
}
