"""Films in numpy files: frames one after the other, each an array of pixels."""

from pathlib import Path

from vestige import gate
from vestige.data.tables.sliced import MOST_AXES

OBSERVATIONS = "observations"


def film_shape(path: Path) -> tuple[int, ...] | None:
    """The shape of a film: of an `.npy` file, or of the array `observations` of an `.npz` file.

    **Arguments:**

    - `path`: of a file.

    **Returns:** (frames, height, width) or (frames, height, width, channels); None where the file holds no film.
    """
    if path.suffix not in (".npy", ".npz") or not path.is_file():
        return None
    try:
        if path.suffix == ".npy":
            with gate.open_npy(path) as (_, header):
                shape = header.shape
        else:
            shape = gate.read_npz(path, OBSERVATIONS)[OBSERVATIONS].shape
    except gate.Unreadable:
        return None  # whoever reads it says what is wrong
    return shape if 2 < len(shape) <= MOST_AXES else None
