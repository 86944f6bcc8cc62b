"""The host's side of windows on files: many rows are read, checked and handed to the compiled program."""

import logging

import numpy as np
from jaxtyping import Array

from vestige.errors import RunError
from vestige.sequences.places import step_of
from vestige.sequences.readers import AbstractReader


def _not_ours(record: logging.LogRecord) -> bool:
    """JAX logs the traceback of what a host call raises before it raises it: what we raise is said once."""
    return not (record.exc_info and isinstance(record.exc_info[1], RunError))


logging.getLogger("jax._src.callback").addFilter(_not_ours)


ROUNDING = 1e-13  # relative: smaller changes of a float64 are rounding errors
LOST = 0.1  # share of the changes in a window that may vanish in float32


def stored_as(dtype: np.dtype) -> np.dtype:
    """What a file's numbers become: float32 or int32."""
    return np.dtype(np.float32 if dtype.kind == "f" else np.int32)


def read_rows(
    reader: AbstractReader, size: int, tokens: int | None, classes: int | None, rows: Array
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, outcomes and known of a window of `size` steps per row: (…, size, …), zeros outside the sequence.

    A row of `rows` (…, 4) is the two parts of the place where the sequence begins, the window's first step, and the
    sequence's length.

    **Arguments:**

    - `reader`: the file.
    - `size`: steps of each window.
    - `tokens`, `classes`: how many integers an input and an outcome may be; None where they are numbers.
    - `rows`: (…, 4), integers.

    **Raises:** `RunError`, in one line, for what `StreamSequence` lists.
    """
    batch = rows.shape[:-1]
    table = [
        (step_of(high, low), start, length) for high, low, start, length in np.asarray(rows).reshape(-1, 4).tolist()
    ]
    inputs = np.zeros((len(table), size, *reader.inputs.shape), reader.inputs.dtype)
    outcomes = np.zeros((len(table), size, *reader.outcomes.shape), _signed(reader.outcomes.dtype))
    known = np.zeros((len(table), size), bool)
    try:
        there = reader.steps_there()
        for row, (begin, start, length) in enumerate(table):
            first, stop = max(start, 0), min(start + size, length)
            if first < stop:
                here = slice(first - start, stop - start)
                inputs[row, here], outcomes[row, here] = _read(reader, begin + first, begin + stop, there)
                known[row, here] = True
    except RunError:
        raise
    except Exception as error:
        raise RunError(f"{reader.name}: it can no longer be read: {_one_line(error)}") from error
    begins = np.array([begin + start for begin, start, _ in table], np.int64)
    known &= _known(reader, outcomes, begins)
    outcomes[~known] = 0
    _in_range(reader, "input", inputs, begins, tokens, "tokens")
    _in_range(reader, "outcome", outcomes, begins, classes, "classes")
    wide = (inputs, outcomes)
    inputs, outcomes = _narrowed(reader, "input", inputs, begins), _narrowed(reader, "outcome", outcomes, begins)
    for what, before, after in zip(("inputs", "outcomes"), wide, (inputs, outcomes), strict=True):
        _changes_kept(reader, what, before, after, begins)
    return (
        inputs.reshape(*batch, *inputs.shape[1:]),
        outcomes.reshape(*batch, *outcomes.shape[1:]),
        known.reshape(*batch, size),
    )


def _read(reader: AbstractReader, start: int, stop: int, there: int) -> tuple[np.ndarray, np.ndarray]:
    asked = f"steps {start:,} to {stop - 1:,} were requested"
    if there < reader.length:
        raise RunError(
            f"{reader.name}: it has shrunk while being read: {asked}, but of {reader.length:,} steps "
            f"{there:,} are there"
        )
    if stop > reader.length:
        raise RunError(f"{reader.name}: {asked}, but it has {reader.length:,} steps")
    inputs, outcomes = reader.read(start, stop)
    if min(len(inputs), len(outcomes)) < stop - start:
        raise RunError(
            f"{reader.name}: {asked}, {stop - start:,} in all, but {len(inputs):,} inputs and {len(outcomes):,} "
            "outcomes came back: the file ends in between"
        )
    return inputs, outcomes


def _known(reader: AbstractReader, outcomes: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Which steps have an outcome, (rows, size). **Raises** where one has none and that is not expected."""
    if outcomes.dtype.kind != "f":
        return _steps(outcomes >= 0) if reader.unknown_outcomes else np.ones(outcomes.shape[:2], bool)
    absent = np.isnan(outcomes)
    if not reader.unknown_outcomes and absent.any():
        raise RunError(
            f"{reader.name}: the outcome at step {_first(absent, begins):,} is NaN; if that means a step without "
            "outcome, open the file with unknown_outcomes=True"
        )
    return _steps(~absent)


def _in_range(
    reader: AbstractReader, what: str, values: np.ndarray, begins: np.ndarray, count: int | None, name: str
) -> None:
    if count is None:
        return
    wrong = (values < 0) | (values >= count)
    if wrong.any():
        value = values[wrong].flat[0]
        way = (
            "; if a negative class means a step without outcome, open the file with unknown_outcomes=True"
            if what == "outcome" and value < 0
            else ""
        )
        raise RunError(
            f"{reader.name}: the {what} at step {_first(wrong, begins):,} is {value}, expected 0..{count - 1} "
            f"({name}={count}){way}"
        )


def _narrowed(reader: AbstractReader, what: str, values: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """As `stored_as` says. **Raises** where a number does not survive it."""
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(stored_as(values.dtype))
    wrong = ~np.isfinite(narrow) if narrow.dtype.kind == "f" else narrow.astype(values.dtype) != values
    if values.dtype.kind == "u" and values.dtype.itemsize >= 4:
        wrong |= narrow < 0
    if wrong.any():
        kind = "a finite float32" if narrow.dtype.kind == "f" else "an int32"
        raise RunError(
            f"{reader.name}: the {what} at step {_first(wrong, begins):,} is {values[wrong].flat[0]}, "
            f"which is not {kind}"
        )
    return narrow


def _changes_kept(
    reader: AbstractReader, what: str, values: np.ndarray, narrow: np.ndarray, begins: np.ndarray
) -> None:
    """**Raises** where float32 rounds away how numbers change from step to step, as it does at a level that is large
    beside its changes. Changes that are rounding errors of float64 themselves do not count."""
    if values.dtype.kind != "f" or values.dtype.itemsize <= 4 or values.shape[1] < 2:
        return
    change = np.abs(np.diff(values, axis=1))
    moved = change > ROUNDING * np.maximum(np.abs(values[:, 1:]), np.abs(values[:, :-1]))
    lost = moved & (np.diff(narrow, axis=1) == 0)
    over = (0, 1)
    too_many = lost.sum(axis=over) > np.maximum(LOST * moved.sum(axis=over), 2)
    if np.any(too_many):
        here = lost & too_many
        raise RunError(
            f"{reader.name}: {what} lose their changes in float32, {here.sum():,} in this window, the first at step "
            f"{_first(here, begins) + 1:,} (value {values[:, 1:][here].flat[0]:.17g}); subtract a constant first"
        )


def _signed(dtype: np.dtype) -> np.dtype:
    """Integers in which -1 can say that there is no outcome."""
    return np.dtype(np.int64) if dtype.kind in "bu" and dtype.itemsize < 8 else dtype


def _steps(values: np.ndarray) -> np.ndarray:
    """Whether all numbers of a step are so, (rows, size)."""
    return np.all(values.reshape(*values.shape[:2], -1), axis=2)


def _first(wrong: np.ndarray, begins: np.ndarray) -> int:
    """The step in the file of the first wrong number."""
    row, step = np.argwhere(wrong)[0][:2]
    return int(begins[row] + step)


def _one_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
