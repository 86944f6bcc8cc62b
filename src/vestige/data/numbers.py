"""Random numbers that are the same on every machine and with every version of numpy."""

import numpy as np


def uniform(key: int, count: int) -> np.ndarray:
    """The first `count` numbers in [0, 1) of the Philox stream of `key`.

    Made of the raw bits, which numpy keeps the same for ever, unlike what its `Generator` makes of them.
    """
    return (np.random.Philox(key=key).random_raw(count) >> np.uint64(11)) * 2.0**-53
