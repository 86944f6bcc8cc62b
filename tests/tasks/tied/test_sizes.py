"""As many labels as images, or both numbers."""

import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks.images import ImagePool
from vestige.tasks.tied import CalibratedDigits, LabelledImages, indicators

DRAW = np.random.default_rng(0)
IMAGES = jnp.asarray((DRAW.random((60, 6)) < 0.4).astype(np.float32))
LABELS = DRAW.integers(0, 3, 60)


def indicated(labels):
    return jnp.asarray(indicators(labels, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: LabelledImages(IMAGES[:40], indicated(LABELS[:30]), IMAGES[40:], jnp.asarray(LABELS[40:]), (2, 3)),
            "train has 40 images and 30 labels",
        ),
        (
            lambda: LabelledImages(IMAGES[:40], indicated(LABELS[:40]), IMAGES[40:], jnp.asarray(LABELS[:19]), (2, 3)),
            "test has 20 images and 19 labels",
        ),
        (
            lambda: LabelledImages(IMAGES[:40], None, IMAGES[40:], jnp.asarray(LABELS[:19]), (2, 3)),
            "test has 20 images and 19 labels",
        ),
        (
            lambda: LabelledImages(IMAGES[:40], indicated(LABELS[:40]), IMAGES[:0], jnp.asarray(LABELS[:0]), (2, 3)),
            "test_labels are empty; there is nothing to evaluate on",
        ),
        (
            lambda: CalibratedDigits(IMAGES[:40], indicated(LABELS[:30]), IMAGES[40:], jnp.asarray(LABELS[40:])),
            "CalibratedDigits: train has 40 images and 30 labels",
        ),
        (
            lambda: CalibratedDigits(IMAGES[:40], indicated(LABELS[:40]), IMAGES[40:], jnp.asarray(LABELS[:19])),
            "CalibratedDigits: test has 20 images and 19 labels",
        ),
        (
            lambda: CalibratedDigits(IMAGES[:40], indicated(LABELS[:40]), IMAGES[40:], jnp.asarray(LABELS[40:] + 1)),
            "test_labels must be from 0 to 2, got 1 to 3",
        ),
        (
            lambda: CalibratedDigits(9 * IMAGES, indicated(LABELS), IMAGES, jnp.asarray(LABELS)),
            "pixels of train must be within 0 to 1, got 9",
        ),
        (
            lambda: ImagePool(jnp.zeros((40, 2, 2), jnp.uint8), jnp.zeros(30, jnp.int32)),
            "ImagePool: 40 images need as many labels, got 30",
        ),
    ],
)
def test_both_numbers_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
