"""What tasks on labelled digits ask of their images."""

import numpy as np
from jaxtyping import Array, Int

from vestige.tasks.images import ImagePool

CLASSES = 10


def digit_labels(pool: ImagePool, task: str) -> Int[Array, " images"]:
    """The labels of `pool`.

    **Raises:** `ValueError`, which names the `task`, where there are none, or others than 0..9.
    """
    if pool.labels is None:
        raise ValueError(f"{task}: the images have no labels, and it needs to know which digit each shows")
    labels = np.asarray(pool.labels)
    if labels.shape != pool.pixels.shape[:1]:
        raise ValueError(f"{task}: {len(pool.pixels)} images need as many labels, got {labels.size}")
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise ValueError(f"{task}: labels must be digits 0..9, got {labels.min()}..{labels.max()}")
    return pool.labels
