"""Files of one's own that are to be remembered, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING

from vestige.experiments.checks import at_least

if TYPE_CHECKING:
    from vestige.tasks.longterm import Stream


@dataclasses.dataclass(frozen=True)
class Files:
    """One step after the other, in files that may be far larger than memory."""

    train: str | None = None
    """To learn from: a folder with inputs.npy and outcomes.npy, time first; or a file .parquet, a group .zarr, or
    records .array_record. None: the data set example-stream, which is made in the cache."""
    held_out: str | None = None
    """To be judged on, of the same kind."""
    inputs: str = "inputs"
    """Where what is seen at a step stands: the name of the .npy file (without ending), of the array, or of the column
    (several: A,B,C). Of records the numpy type: i4, or (3,)f4."""
    outcomes: str = "outcomes"
    """Where what is to be predicted at a step stands, likewise."""
    unknown: bool = False
    """Whether a negative class, NaN or null says that a step has no outcome; otherwise it is an error."""
    tokens: int | None = None
    """How many different inputs there are, where they are integers."""
    classes: int | None = None
    """How many different outcomes there are, where they are integers."""
    segment: int | None = None
    """Learn from so many steps at a time, from anywhere in the file; None: from end to end, in as many parts as the
    batch has rows (of example-stream: example_segment)."""
    example_segment: int = 200
    """So many steps at a time of example-stream, where segment is not given; other files know nothing of it."""

    def __post_init__(self):
        at_least(self, 1, "tokens", "classes", "segment", "example_segment")
        if (self.train is None) != (self.held_out is None):
            given, other = ("train", "held-out") if self.held_out is None else ("held-out", "train")
            raise ValueError(f"--task.{given} was given alone; give --task.{other} too, to {_PURPOSE[other]}")
        if self.train is None and (self.tokens, self.classes) != (None, None):
            raise ValueError(
                "--task.tokens and --task.classes are about files; give --task.train and --task.held-out too"
            )

    @property
    def judged_by(self) -> str:
        """The metric that counts."""
        return "mse" if self.train is not None and self.classes is None else "accuracy"

    @property
    def steps_at_once(self) -> int | None:
        """How many steps are learned from at a time; None: from end to end."""
        return self.example_segment if self.segment is None and self.train is None else self.segment

    def build(self) -> "Stream":
        """The task. **Raises:** `UsageError` where a file cannot be opened, `ValueError` where it does not fit."""
        from vestige.experiments.longterm.opening import example, opened
        from vestige.tasks.longterm import Stream

        if self.train is None or self.held_out is None:
            return example(self.steps_at_once)
        columns = {"inputs": self.inputs, "outcomes": self.outcomes, "unknown": self.unknown}
        train, held_out = (opened(path, **columns) for path in (self.train, self.held_out))
        return Stream(train, held_out, self.steps_at_once, self.tokens, self.classes)


_PURPOSE = {"held-out": "judge the memory on", "train": "learn from"}
