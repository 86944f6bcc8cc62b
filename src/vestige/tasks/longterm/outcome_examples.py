"""The steps whose outcome is known, as rows of features for regressions without a memory of their own."""

import itertools
from typing import NamedTuple

import numpy as np

from vestige.sequences import AbstractReader
from vestige.tasks.longterm.outcome_calibration import chunks_of

MOST_FEATURES = 1000


class Examples(NamedTuple):
    """Some steps of a stream.

    - `now`: (examples, features) float32, what is seen at the step; a token as 1 in its place.
    - `bag`: (examples, features) float32, the mean of what was seen in its document up to the step; of tokens whether
      each has occurred.
    - `outcomes`: (examples,) classes or numbers.
    - `last`: (examples,) float64, the last known outcome of its document before, NaN where there was none.
    """

    now: np.ndarray
    bag: np.ndarray
    outcomes: np.ndarray
    last: np.ndarray


def known(outcomes: np.ndarray) -> np.ndarray:
    """(steps,) booleans: where `outcomes`, classes or numbers, are known."""
    return ~np.isnan(outcomes) if outcomes.dtype.kind == "f" else outcomes >= 0


def examples(reader: AbstractReader, lengths: np.ndarray, *, tokens: int | None, every: int = 1) -> Examples:
    """The steps of a file whose outcome is known.

    One pass; memory for the examples.

    **Arguments:**

    - `reader`: the file.
    - `lengths`: of its documents.
    - `tokens`: how many different integers are seen at a step; None: vectors are.
    - `every`: only each so many-th of these steps.
    """
    width = tokens or reader.inputs.shape[0]
    total, count, last, seen = np.zeros(width), 0, np.nan, 0
    found: list[Examples] = []
    for chunk in chunks_of(reader, lengths):
        features = _features(chunk.inputs, tokens)
        borders = [0, *np.flatnonzero(chunk.resets).tolist(), len(features)]
        for begin, end in itertools.pairwise(borders):
            if begin < len(chunk.resets) and chunk.resets[begin]:
                total, count, last = np.zeros(width), 0, np.nan
            part = slice(begin, end)
            there = known(chunk.outcomes[part])
            sums = total + np.cumsum(features[part], axis=0, dtype=np.float64)
            steps = count + np.arange(1, end - begin + 1)
            numbered = seen + np.cumsum(there) - 1
            taken = there & (numbered % every == 0)
            bag = sums[taken] > 0 if tokens else sums[taken] / steps[taken, None]
            before = _before(chunk.outcomes[part], there, last)
            found.append(
                Examples(features[part][taken], bag.astype(np.float32), chunk.outcomes[part][taken], before[taken])
            )
            if end > begin:
                total, count = sums[-1], count + end - begin
            if there.any():
                last, seen = float(chunk.outcomes[part][there][-1]), seen + int(there.sum())
    return Examples(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def known_in(reader: AbstractReader, lengths: np.ndarray) -> int:
    """How many steps of a file have a known outcome. One pass.

    **Arguments:**

    - `reader`: the file.
    - `lengths`: of its documents.
    """
    return sum(int(known(chunk.outcomes).sum()) for chunk in chunks_of(reader, lengths))


def _features(inputs: np.ndarray, tokens: int | None) -> np.ndarray:
    if tokens is None:
        return inputs
    found = np.zeros((len(inputs), tokens), np.float32)
    found[np.arange(len(inputs)), inputs] = 1.0
    return found


def _before(outcomes: np.ndarray, there: np.ndarray, last: float) -> np.ndarray:
    """The last known outcome before each step."""
    values = np.concatenate([[last], np.where(there, outcomes, np.nan).astype(np.float64)])
    places = np.where(np.concatenate([[True], there]), np.arange(len(values)), 0)
    return values[np.maximum.accumulate(places)][:-1]
