"""A prediction as a function of arrays alone, so that it can leave Python: `vestige export`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np


class Program(NamedTuple):
    """What a trained model computes for its users.

    - `name`: of the file.
    - `function`: takes the inputs in order, arrays, and returns a tuple of arrays; its model is a constant in it.
    - `says`: what it computes, a sentence.
    - `inputs`, `outputs`: name -> what it holds, in order; those of a state come last, in the same order in both.
    - `example`: inputs with which the function can be called, in order.
    """

    name: str
    function: Callable[..., tuple[Any, ...]]
    says: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    example: tuple[np.ndarray, ...]
