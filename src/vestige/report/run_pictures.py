"""Which sequences of a run are shown: of the data, predicted, generated, and continued."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array, known
from vestige.report.pictures import ImageGrid, pieces
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np

Legend = tuple[tuple[str, str], ...]
Kinds = list[list[str]]
"""For each sequence, the kind of each frame."""

_REPEATS = (("fresh", "fresh"), ("repeat", "repeats an earlier one"))
_KNOWN = (("fresh", "new"), ("repeat", "known to a perfect memory"))
_GENERATED = (("given", "given"), ("generated", "generated"))
_GENERATED_ANEW = (*_GENERATED[:1], ("generated", "generated, known to a perfect memory"), ("anew", "generated, new"))


def pictures(run: Run) -> list[ImageGrid]:
    """The image grids that the arrays allow."""
    found = [_data(run), _predicted(run), _sampled(run), _continued(run)]
    return [grid for grid in found if grid is not None]


def _count(time: int) -> int:
    """How many sequences to show: fewer of long ones."""
    return max(1, min(3, 60 // time))


def _marks(run: Run, frames: "np.ndarray", *, own: bool) -> tuple[Kinds, Legend]:
    """The frames that repeat; where that is not the same in all sequences, those known in each, if it is their `own`
    or follows from actions that are given."""
    count, time = frames.shape[:2]
    start = run.integer("recall_start")
    if start is not None:
        repeats = 0 < start < time
        kinds = ["repeat" if repeats and at >= start else "fresh" for at in range(time)]
        return [kinds] * count, _REPEATS if repeats else ()
    flags = known(run, sequences=count, frames=time) if own or array(run, "cells") is not None else None
    if flags is None:
        return [["fresh"] * time] * count, ()
    return [["repeat" if flag else "fresh" for flag in row] for row in flags], _KNOWN


def _image_grid(frames: "np.ndarray", kinds: Kinds, what: str, most: int) -> tuple:
    shown = min(_count(frames.shape[1]), most, len(frames))
    return tuple(pieces([(f"{what} {n + 1}", frames[n])], kinds[n]) for n in range(shown))


def _data(run: Run) -> ImageGrid | None:
    frames = array(run, "frames")
    if frames is None:
        return None
    kinds, legend = _marks(run, frames, own=True)
    caption = "A sequence that it was not trained on, as it is shown to it: one frame at a time."
    return ImageGrid("data", "What it sees", caption, _image_grid(frames, kinds, "test sequence", 1), legend)


def _predicted(run: Run) -> ImageGrid | None:
    ours, truth = array(run, "predicted"), array(run, "frames")
    if ours is None or truth is None or ours.shape != truth.shape:
        return None
    rows = [("predicted sequence", ours[0]), ("observed", truth[0])]
    kinds = ["generated"] * ours.shape[1]
    caption = "Above: each frame as it was predicted from those before it; below: what was observed."
    return ImageGrid("predicted", "What it predicts", caption, (pieces(rows, kinds),), ())


def _sampled(run: Run) -> ImageGrid | None:
    frames = array(run, "sampled")
    if frames is None:
        return None
    kinds, legend = _marks(run, frames, own=False)
    caption = "Sequences generated from the prior alone, without having seen anything."
    if legend == _REPEATS:
        caption += " If the memory works, the last frames come back to the first."
    if legend == _KNOWN:
        caption += " If the memory works, a place looks the same each time it is visited."
    return ImageGrid(
        "sampled", "What it generates", caption, _image_grid(frames, kinds, "generated sequence", 3), legend
    )


def _continued(run: Run) -> ImageGrid | None:
    ours, truth = array(run, "continued"), array(run, "continued_truth")
    if ours is None:
        return None
    if truth is not None and truth.shape != ours.shape:
        truth = None
    given = run.integer("given") or 0
    kinds, legend = _generated(run, ours, given)
    shown = []
    for n in range(min(_count(ours.shape[1]), len(ours))):
        rows = [(f"continued sequence {n + 1}", ours[n])]
        if truth is not None:
            rows.append((f"what really came in sequence {n + 1}", truth[n]))
        shown.append(pieces(rows, kinds[n]))
    caption = f"The first {given} frames are given, the rest is generated."
    caption += " Above: the model; below: what really came." if truth is not None else ""
    return ImageGrid("continued", "How it goes on", caption, tuple(shown), legend)


def _generated(run: Run, frames: "np.ndarray", given: int) -> tuple[Kinds, Legend]:
    """Which frames are generated, and which of these nobody can know."""
    count, time = frames.shape[:2]
    flags = known(run, sequences=count, frames=time) if run.integer("recall_start") is None else None
    kinds = [["given" if at < given else "generated" for at in range(time)] for _ in range(count)]
    if flags is None or flags[: _count(time), given:].all():
        return kinds, _GENERATED
    for row, marks in zip(flags, kinds, strict=True):
        marks[given:] = ["generated" if flag else "anew" for flag in row[given:]]
    return kinds, _GENERATED_ANEW
