"""Labels as indicators, of which some may be hidden."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from vestige.typing import Batch, Key


def indicators(labels: Int[np.ndarray, " rows"], classes: int) -> Float[np.ndarray, "rows classes"]:
    """One 1 in each row; a row of zeros where the label is -1, not known. float32.

    **Arguments:**

    - `labels`: (rows,), integers.
    - `classes`: how many there are.

    **Raises:** `ValueError` for labels out of range.
    """
    if labels.size and (labels.min() < -1 or labels.max() >= classes):
        raise ValueError(
            f"labels must be classes 0 to {classes - 1}, or -1 where they are not known, got {labels.min()} to "
            f"{labels.max()}"
        )
    return (labels[:, None] == np.arange(classes)).astype(np.float32)


def check_labels(owner: str, part: str, images: Shaped[Array, "..."], labels: Shaped[Array, "..."]) -> None:
    """Check that `images` and `labels` of a `part` of the data of `owner` are as many.

    **Raises:** `ValueError` where there are more or fewer labels than images.
    """
    if images.shape[0] != labels.shape[0]:
        raise ValueError(
            f"{owner}: {part} has {images.shape[0]} images and {labels.shape[0]} labels; every image needs one"
        )


def check_numbers(owner: str, labels: Int[Array, " rows"], classes: int) -> None:
    """Check the `labels` on which `owner` is evaluated.

    **Raises:** `ValueError` where a label is not one of `classes` classes, or there is none.
    """
    found = np.asarray(labels)
    if not found.size:
        raise ValueError(f"{owner}: test_labels are empty; there is nothing to evaluate on")
    if found.min() < 0 or found.max() >= classes:
        raise ValueError(f"{owner}: test_labels must be from 0 to {classes - 1}, got {found.min()} to {found.max()}")


def few_labels(labels: Int[np.ndarray, " rows"], each: int, classes: int) -> Int[np.ndarray, " rows"]:
    """The same with all but the first `each` of every class hidden (-1).

    **Arguments:**

    - `labels`: (rows,), integers.
    - `each`: labels that stay known of every class.
    - `classes`: how many there are.

    **Raises:** `ValueError` where a class has fewer, or fewer than 1 is requested.
    """
    if each < 1:
        raise ValueError(f"few_labels: each must be at least 1, got {each}")
    kept = np.full_like(labels, -1)
    for label in range(classes):
        places = np.flatnonzero(labels == label)
        if len(places) < each:
            raise ValueError(f"few_labels: class {label} has {len(places)} examples, {each} were requested")
        kept[places[:each]] = label
    return kept


def drawn_batch(
    examples: Float[Array, "rows *units"], labels: Float[Array, "rows classes"] | None, *, size: int, key: Key
) -> Batch:
    """Examples with their labels, drawn with replacement.

    **Arguments:**

    - `examples`: of the training.
    - `labels`: indicators; None: there are none.
    - `size`: how many.
    """
    rows = jax.random.randint(key, (size,), 0, examples.shape[0])
    return Batch(examples[rows], None if labels is None else labels[rows])


def some_of(count: int, *, size: int, key: Key) -> Int[Array, " rows"]:
    """Numbers of the held-out examples that are evaluated.

    **Arguments:**

    - `count`: of all of them.
    - `size`: how many are wanted.
    - `key`: by which they are drawn where they are fewer than all.

    **Returns:** (min(size, count),), each number once; all in their order where all are wanted.
    """
    return jax.random.permutation(key, count)[:size] if size < count else jnp.arange(count)
