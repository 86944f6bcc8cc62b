"""`vestige sample RUN`."""

import dataclasses
import sys
from pathlib import Path

import tyro

from vestige.checks import finite, seed
from vestige.cli.environment import set_up_compilation
from vestige.cli.parse import simple
from vestige.errors import UsageError


@dataclasses.dataclass(frozen=True)
class SampleSettings:
    """Which run, and what to generate."""

    folder: tyro.conf.Positional[Path]
    """The run folder."""
    count: int = 8
    """Number of samples."""
    frames: int | None = None
    """Frames, or steps, of a sequence; by default as many as in training."""
    given: int = 0
    """Frames, or steps, of held-out sequences that come first; the rest is generated from there."""
    seed: int = 0
    """Seed of the draw."""
    out: Path | None = None
    """Picture to write, .png (the arrays go beside it as .npz); or .txt, .csv, .tsv, .parquet, where samples are of
    that form. By default samples.png, samples.txt or samples.csv in the run folder."""
    force: bool = False
    """Replace a text or table that exists."""

    def __post_init__(self):
        finite(self)
        seed(self, "seed")
        if self.count < 1:
            raise ValueError(f"count must be at least 1, got {self.count}")
        if self.given < 0:
            raise ValueError(f"given must not be negative, got {self.given}")
        if self.frames is not None and self.frames <= self.given:
            raise ValueError(f"frames ({self.frames}) must exceed given ({self.given})")


DESCRIPTION = (
    "What a run's model generates: sequences of images, steps of recordings, piano rolls, texts, words of brackets, "
    "layouts of graphs, rows of a table. As a picture with its arrays (.png), as a text (.txt), or as a table (.csv, "
    ".tsv, .parquet)."
)


def main(arguments: list[str]) -> int:
    """Draw samples from a run's model and write them to a file, with a card beside it."""
    settings = simple("sample", DESCRIPTION, SampleSettings, arguments)
    set_up_compilation()
    from vestige.experiments.protocols import GeneratesSamples, GeneratesSequences
    from vestige.runs.restoring import load

    run = load(settings.folder)
    task = run.components.task
    wanted = {"count": settings.count, "given": settings.given, "seed": settings.seed}
    if isinstance(task, GeneratesSequences):
        from vestige.tasks.samples import Sampled

        images = task.generated(run.model, frames=settings.frames, **wanted)
        sampled = Sampled({}, pictures=images)
        said = f"{settings.count} sequences of {images.shape[1]} frames, the first {settings.given} given"
    elif isinstance(task, GeneratesSamples):
        sampled = task.sampled(run.model, steps=settings.frames, **wanted)
        said = f"{settings.count} samples"
    else:
        raise UsageError(
            "vestige sample draws from models that generate: temporal models, filters, streams of a text, tied nets, "
            f"parentheses, graph-layout; {run.entry.name} has none"
        )
    from vestige.runs.sampling import default_suffix, write_samples

    out = settings.out or settings.folder / f"samples{default_suffix(sampled)}"
    for notice in run.notices:
        print(notice, file=sys.stderr)
    again = settings.out is None or settings.force or out.suffix == ".png"
    write_samples(sampled, out, run=run, options={**wanted, "frames": settings.frames}, force=again)
    print(f"{out}: {said}")
    return 0
