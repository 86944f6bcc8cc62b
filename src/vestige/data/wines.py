"""The table of wines that comes with scikit-learn: an example of rows with a class each."""

from typing import Any

import numpy as np


def wines() -> dict[str, np.ndarray]:
    """Chemical analyses of 178 wines of three growers: name -> column, 13 of numbers and the class (UCI, Aeberhard and
    Forina; CC BY 4.0)."""
    from sklearn.datasets import load_wine

    found: Any = load_wine()
    columns = {str(name): np.asarray(found.data[:, place]) for place, name in enumerate(found.feature_names)}
    return {**columns, "class": np.asarray(found.target_names, str)[found.target]}
