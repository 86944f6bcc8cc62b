"""What a model has generated, in the forms in which it can be written."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vestige.data.tables import Cells
from vestige.errors import UsageError


def no_sequences(steps: int | None, given: int) -> None:
    """Refuse what only sequences have.

    **Arguments:**

    - `steps`, `given`: that are wanted: of a sequence, and at its beginning.

    **Raises:** `UsageError` where there are any.
    """
    if steps is not None or given:
        raise UsageError("samples of this run are no sequences: leave --frames and --given out")


@dataclass(frozen=True, eq=False)
class Sampled:
    """Samples of a model.

    - `columns`: of a table, by name: a row for each step of each sample, or for each sample.
    - `pictures`: (count, time, height, width), in [0, 1]; None where they are no pictures.
    - `texts`: of each sample; none where they are no texts.
    """

    columns: Mapping[str, Cells]
    pictures: np.ndarray | None = None
    texts: tuple[str, ...] = ()
