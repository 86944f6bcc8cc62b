"""Steps that are missing in some of their values, with the last values that were seen in place of these."""

from typing import NamedTuple

import numpy as np


class Carried(NamedTuple):
    """The steps of recordings of which anything was seen.

    - `frames`: (steps, p) float64; what is missing is the last value of the channel in the recording, or before there
      was any the mean of all that were seen.
    - `there`: (steps, p) booleans: what was seen.
    - `recording`: (steps,) the number of the recording.
    - `row`: (steps,) the row of each in the table.
    """

    frames: np.ndarray
    there: np.ndarray
    recording: np.ndarray
    row: np.ndarray

    @property
    def whole(self) -> np.ndarray:
        """(steps,) booleans: where nothing is missing."""
        return np.asarray(self.there.all(axis=1))

    @property
    def age(self) -> np.ndarray:
        """(steps,) how many of these steps of the recording came before."""
        places = np.arange(len(self.recording))
        return places - np.maximum.accumulate(np.where(np.diff(self.recording, prepend=-1) != 0, places, 0))


def carried_forward(frames: np.ndarray, starts: np.ndarray) -> Carried:
    """Leave out the steps of which nothing is there, and fill the others in.

    Time and memory in proportion to the values.

    **Arguments:**

    - `frames`: (total, p), recordings one after the other; NaN where missing.
    - `starts`: the rows at which recordings begin.
    """
    row = np.flatnonzero(np.isfinite(frames).any(axis=1))
    number = np.zeros(len(frames), np.int64)
    number[starts] = 1
    number = np.cumsum(number)[row] - 1
    values = frames[row].astype(np.float64)
    there = np.isfinite(values)
    if there.all():
        return Carried(values, there, number, row)
    first = np.searchsorted(number, number)  # where the recording of each step begins
    newest = np.maximum.accumulate(np.where(there, np.arange(len(row))[:, None], -1), axis=0)
    known = newest >= first[:, None]
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, values, 0.0).sum(axis=0) / count
    filled = np.where(known, np.take_along_axis(values, np.maximum(newest, 0), axis=0), mean)
    return Carried(filled, there, number, row)
