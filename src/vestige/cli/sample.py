"""`vestige sample RUN`."""

import dataclasses
import sys
from pathlib import Path

import tyro

from vestige.checks import finite, seed
from vestige.cli.environment import enable_compilation_cache
from vestige.cli.parse import simple
from vestige.errors import UsageError


@dataclasses.dataclass(frozen=True)
class SampleSettings:
    """Which run, and what to imagine."""

    folder: tyro.conf.Positional[Path]
    """The run folder."""
    count: int = 8
    """Number of sequences."""
    frames: int | None = None
    """Frames per sequence; by default as many as in training."""
    given: int = 0
    """Frames of held-out sequences that are shown first; the rest is imagined on from there."""
    seed: int = 0
    """Seed of the draw."""
    out: Path | None = None
    """Picture to write, .png; the arrays go beside it as .npz. By default samples.png in the run folder."""

    def __post_init__(self):
        finite(self)
        seed(self, "seed")
        if self.count < 1:
            raise ValueError(f"count must be at least 1, got {self.count}")
        if self.given < 0:
            raise ValueError(f"given must not be negative, got {self.given}")
        if self.frames is not None and self.frames <= self.given:
            raise ValueError(f"frames ({self.frames}) must exceed given ({self.given})")


def main(arguments: list[str]) -> int:
    """Draw sequences from a run's model and write them as a picture and as arrays."""
    settings = simple("sample", "Sequences imagined by a run's model.", SampleSettings, arguments)
    enable_compilation_cache()
    from vestige.experiments.protocols import GeneratesSequences
    from vestige.runs.image_grid import save_image_grid
    from vestige.runs.restoring import load

    run = load(settings.folder)
    task = run.components.task
    if not isinstance(task, GeneratesSequences):
        raise UsageError(
            f"vestige sample draws sequences of images, and {run.entry.name} has none; those with generative "
            "temporal models have"
        )
    out = settings.out or settings.folder / "samples.png"
    sequences = task.generated(
        run.model,
        count=settings.count,
        frames=settings.frames,
        given=settings.given,
        seed=settings.seed,
    )
    for notice in run.notices:
        print(notice, file=sys.stderr)
    save_image_grid(out, sequences)
    print(f"{out}: {settings.count} sequences of {sequences.shape[1]} frames, the first {settings.given} given")
    return 0
