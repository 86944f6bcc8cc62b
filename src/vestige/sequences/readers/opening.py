"""What all readers check when they open a file."""

import contextlib
import importlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from vestige.errors import RunError, UsageError, VestigeError, shown
from vestige.sequences.readers.contract import Steps


def numbers(name: str, what: str, shape: tuple[int, ...], dtype: np.dtype) -> Steps:
    """What one step holds.

    **Arguments:**

    - `name`: of the file, for messages.
    - `what`: inputs or outcomes, for messages.
    - `shape`, `dtype`: of one step.

    **Raises:** `UsageError` where it is not numbers.
    """
    if dtype.kind not in "biuf":
        raise UsageError(f"{name}: {what} must be integers, booleans or floating-point numbers, got {dtype}")
    return Steps(tuple(shape), dtype)


def agreed(name: str, inputs: int, outcomes: int) -> int:
    """The number of steps of a file.

    **Arguments:**

    - `name`: of the file, for messages.
    - `inputs`, `outcomes`: how many there are of each.

    **Raises:** `UsageError` where there are none, or more of the one than of the other.
    """
    if inputs != outcomes:
        raise UsageError(
            f"{name}: every step needs an input and an outcome, got {inputs:,} inputs, {outcomes:,} outcomes"
        )
    if inputs == 0:
        raise UsageError(f"{name}: it is empty, and a sequence needs at least one step")
    return inputs


DECODED_BYTES = 2**31


def decoded(what: str, name: str, steps: int, inputs: Steps, outcomes: Steps) -> None:
    """**Raises** `UsageError` where the `steps` of a `what` of the file `name`, which are decoded together, take more
    than 2 GiB as `inputs` and `outcomes` say."""
    size = steps * sum(math.prod(each.shape) * each.dtype.itemsize for each in (inputs, outcomes))
    if size > DECODED_BYTES:
        raise UsageError(
            f"{name}: a {what} of {steps:,} steps takes {size:,} bytes when decoded, and at most {DECODED_BYTES:,} are "
            f"read at a time; write smaller ones"
        )


@contextlib.contextmanager
def decoding(what: str, name: str) -> Iterator[None]:
    """**Raises** `RunError` for a `what` of the file `name` that the library within the block cannot decode."""
    try:
        yield
    except VestigeError:
        raise
    except Exception as error:  # each library has its own
        raise RunError(f"{name}: {what} cannot be decoded, so the file is damaged ({shown(error, 200)})") from error


def extra(module: str, reader: str) -> Any:
    """An optional package.

    **Arguments:**

    - `module`: to import.
    - `reader`: that needs it, for the message.

    **Returns:** the module.

    **Raises:** `UsageError`, saying how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UsageError(f"{reader} needs {package} ({error}): pip install 'vestige[streams]'") from None
