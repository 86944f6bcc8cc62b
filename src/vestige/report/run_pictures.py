"""Which sequences of a run are shown: of the data, imagined, and continued."""

from typing import TYPE_CHECKING

from vestige.report.pictures import Strips, pieces
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np

_REPEATS = (("fresh", "fresh"), ("repeat", "repeats an earlier one"))


def pictures(run: Run) -> list[Strips]:
    """The strips that the arrays allow."""
    found = [_data(run), _sampled(run), _continued(run)]
    return [strips for strips in found if strips is not None]


def _frames(run: Run, name: str) -> "np.ndarray | None":
    array = run.arrays.get(name)
    if array is None or array.ndim != 4 or array.size == 0 or array.dtype.kind not in "iufb":
        return None
    return array


def _count(time: int) -> int:
    """How many sequences to show: fewer of long ones."""
    return max(1, min(3, 60 // time))


def _plain(run: Run, frames: "np.ndarray", what: str, most: int) -> tuple[list, tuple]:
    time, start = frames.shape[1], run.integer("recall_start")
    repeats = start is not None and 0 < start < time
    kinds = ["repeat" if repeats and start is not None and at >= start else "fresh" for at in range(time)]
    shown = [pieces([(f"{what} {n + 1}", frames[n])], kinds) for n in range(min(_count(time), most, len(frames)))]
    return shown, _REPEATS if repeats else ()


def _data(run: Run) -> Strips | None:
    frames = _frames(run, "frames")
    if frames is None:
        return None
    shown, legend = _plain(run, frames, "test sequence", 1)
    caption = "A sequence that it was not trained on, as it is shown to it: one frame at a time."
    return Strips("data", "What it sees", caption, tuple(shown), legend)


def _sampled(run: Run) -> Strips | None:
    frames = _frames(run, "sampled")
    if frames is None:
        return None
    shown, legend = _plain(run, frames, "imagined sequence", 3)
    caption = "Sequences imagined from the prior alone, without having seen anything."
    if legend:
        caption += " If the memory works, the last frames come back to the first."
    return Strips("sampled", "What it imagines", caption, tuple(shown), legend)


def _continued(run: Run) -> Strips | None:
    ours, truth = _frames(run, "continued"), _frames(run, "continued_truth")
    if ours is None:
        return None
    if truth is not None and truth.shape != ours.shape:
        truth = None
    time, given = ours.shape[1], run.integer("given") or 0
    kinds = ["given" if at < given else "imagined" for at in range(time)]
    shown = []
    for n in range(min(_count(time), len(ours))):
        rows = [(f"continued sequence {n + 1}", ours[n])]
        if truth is not None:
            rows.append((f"what really came in sequence {n + 1}", truth[n]))
        shown.append(pieces(rows, kinds))
    caption = f"The first {given} frames are given, the rest is imagined."
    caption += " Above: the model; below: what really came." if truth is not None else ""
    legend = (("given", "given"), ("imagined", "imagined"))
    return Strips("continued", "How it goes on", caption, tuple(shown), legend)
