"""The arrays of a run that its page shows: each in the shape it must have, or not at all."""

from typing import TYPE_CHECKING

from vestige.report.files import ARRAYS
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np

FRAMES = (4, 5)
_AXES: dict[str, tuple[int, ...]] = {
    "kl_per_frame": (1,),
    "negative_bound_per_frame": (1,),
    "frames": FRAMES,
    "predicted": FRAMES,
    "sampled": FRAMES,
    "continued": FRAMES,
    "continued_truth": FRAMES,
    "predictable": (2,),
    "cells": (2,),
    "read_weights": (3,),
    "read_gates": (3,),
    "frequencies": (2,),
    "filter_seen": (2,),
    "filter_denoised": (2,),
    "filter_predicted": (2,),
    "filter_generated": (2,),
    "filter_state": (2,),
    "receptive_fields": (2,),
    "delayed_r2": (1,),
    "class_samples": (4,),
    "shown": (3,),
    "reconstructed": (3,),
    "given_half": (3,),
    "inpainted": (3,),
    "limiting_samples": (3,),
    "filters": (3,),
    "gap_by_layer": (1,),
    "ways": (4,),
    "true_edges": (3,),
    "drawn_edges": (3,),
    "edge_frequencies": (3,),
    "detections": (4,),
    "true_objects": (3,),
    "named_objects": (3,),
    "reliability_ap1": (2,),
    "reliability_ap2": (2,),
    "reliability_sampled": (2,),
    "example_read_weights": (3,),
    "example_write_weights": (2, 3),
    "example_usage": (2,),
    "example_links": (2,),
    "example_read_modes": (3,),
    "example_write_gate": (1,),
    "example_allocation_gate": (1,),
}


def array(run: Run, name: str) -> "np.ndarray | None":
    """The array of `run` called `name` as finite numbers; None where it is missing, empty or of another shape."""
    import numpy as np

    stored = run.arrays.get(name)
    if stored is None or not _fits(name, stored) or stored.dtype.kind not in "iufb":
        return None
    return np.nan_to_num(stored.astype(np.float64), nan=0.0, posinf=1.0, neginf=0.0)


def newest_first(run: Run) -> bool:
    """Whether slot i is "i + 1 steps back" rather than an address."""
    stored = run.arrays.get("newest_first")
    return True if stored is None or stored.size != 1 else bool(stored.reshape(()))


def known(run: Run, *, sequences: int, frames: int) -> "np.ndarray | None":
    """Which `frames` of the `sequences` of `run` that are shown a perfect memory knows, where that differs from frame
    to frame.
    """
    flags = array(run, "predictable")
    if flags is None or len(flags) < sequences or flags.shape[1] != frames or not 0 < flags.mean() < 1:
        return None
    return flags[:sequences] > 0.5


def misshapen(run: Run) -> list[str]:
    """A note on each array that is left out for its shape."""
    return [
        f"{ARRAYS}: '{name}' is left out: its shape is {run.arrays[name].shape}, {_expected(name)}."
        for name in _AXES
        if name in run.arrays and not _fits(name, run.arrays[name])
    ]


def _fits(name: str, stored: "np.ndarray") -> bool:
    axes = _AXES[name]
    colours = axes == FRAMES and stored.ndim == 5
    return stored.ndim in axes and stored.size > 0 and (not colours or stored.shape[-1] == 3)


def _expected(name: str) -> str:
    axes = _AXES[name]
    return f"not one of {' or '.join(map(str, axes))} axes" + (", the fifth of 3 colours" if axes == FRAMES else "")
