"""What is not of its kind is refused, with the place and how to fix it."""

import numpy as np
import pytest

from vestige.models.families import Bernoulli, Categorical, Poisson, UnitGaussian

GOOD = {
    "counts": (Poisson(3), [[0, 4, 1], [2, 0, 0]]),
    "bits": (Bernoulli(3), [[0, 1, 1], [0, 0, 0]]),
    "graded bits": (Bernoulli(3, graded=True), [[0, 0.3, 1], [0, 0, 0]]),
    "reals": (UnitGaussian(3), [[-1.5, 2, 0], [1e6, 0, 0]]),
    "categories": (Categorical(3), [[0, 1, 0], [0, 0, 0]]),
}
BAD = {
    "negative count": (
        Poisson(2),
        [[0, 1], [0, -1]],
        "expected that counts are 0, 1, 2, …, got -1 in value 1 of step 1",
    ),
    "fraction of a count": (Poisson(2), [[0.5, 1]], "got 0.5 in value 0 of step 0; bin the events"),
    "endless count": (Poisson(1), [[np.inf]], "got inf"),
    "bit of 2": (Bernoulli(2), [[0, 2]], "bits are 0 or 1, got 2 in value 1 of step 0"),
    "half a bit": (Bernoulli(2), [[0, 0.5]], "graded=True"),
    "more than certain": (Bernoulli(2, graded=True), [[0, 1.5]], r"0\.\.1, got 1.5"),
    "infinite": (UnitGaussian(2), [[0, np.inf]], "values are finite, got inf"),
    "two classes at once": (Categorical(3), [[1, 0, 1]], "at most one 1"),
    "class of 2": (Categorical(3), [[2, 0, 0]], "got 2"),
    "missing in part": (UnitGaussian(2), [[0, 0], [np.nan, 0]], "NaN in value 0 of step 1 alone"),
    "of another width": (UnitGaussian(3), [[0, 0]], r"floating-point \(\.\.\., 3\), got float32 \(1, 2\)"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_values_are_admitted(name):
    kind, values = GOOD[name]
    found = np.array(values, np.float32)
    kind.admit(found, "test")
    found[1] = np.nan
    kind.admit(found[None], "test")


@pytest.mark.parametrize("name", BAD)
def test_bad_values_are_refused(name):
    kind, values, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        kind.admit(np.array(values, np.float32), "test")


def test_integers_are_refused():
    with pytest.raises(ValueError, match="floating-point"):
        Poisson(2).admit(np.zeros((4, 2), np.int32), "test")
