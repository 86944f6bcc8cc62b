"""Files that can only be decoded block by block."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

CACHE_BYTES = 2**28


class Blocks:
    """Any steps of a file that is decoded a block at a time; the blocks used last are kept.

    Where many places are read in turn, a block of each should fit into the cache: else every window decodes a whole
    block again. Safe to use from several threads.

    **Arguments:**

    - `sizes`: steps in each block.
    - `load`: decodes one, inputs and outcomes.
    - `cache_bytes`: how much may be kept, decoded. The newest block is kept whatever its size.
    """

    def __init__(self, sizes: Sequence[int], load: Callable[[int], tuple[np.ndarray, np.ndarray]], *, cache_bytes: int):
        self._begins = np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))])
        self._load, self._limit = load, cache_bytes
        self._kept: OrderedDict[int, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def begin(self, block: int) -> int:
        """Its first step."""
        return int(self._begins[block])

    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and outcomes of the steps `start` to `stop - 1`; costs decoding the blocks that are not kept."""
        first = int(np.searchsorted(self._begins, start, side="right")) - 1
        last = int(np.searchsorted(self._begins, stop, side="left"))
        inputs, outcomes = [], []
        for block in range(first, last):
            begin = self.begin(block)
            xs, ys = self._get(block)
            here = slice(max(start - begin, 0), stop - begin)
            inputs.append(xs[here])
            outcomes.append(ys[here])
        return np.concatenate(inputs), np.concatenate(outcomes)

    def _get(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            if block in self._kept:
                self._kept.move_to_end(block)
                return self._kept[block]
            decoded = self._load(block)
            self._kept[block] = decoded
            self._bytes += _bytes(decoded)
            while self._bytes > self._limit and len(self._kept) > 1:
                self._bytes -= _bytes(self._kept.popitem(last=False)[1])
            return decoded


def _bytes(decoded: tuple[np.ndarray, np.ndarray]) -> int:
    return sum(array.nbytes for array in decoded)
