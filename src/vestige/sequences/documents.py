"""A file of many documents, one after the other."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vestige.errors import UsageError
from vestige.sequences.places import LONGEST, PART, place
from vestige.sequences.readers import AbstractReader
from vestige.sequences.stream import StreamSequence
from vestige.typing import Key

READ_STEPS = 2**20  # read at a time where the boundaries are looked for


class Documents(eqx.Module):
    """Where the documents of a file begin and how long they are: nothing that is remembered goes from one to the next.

    Two integers for each document are kept, and nothing of the file.

    **Raises:** `ValueError` where a document is longer than 2^30 steps.
    """

    begins: Int[Array, "documents 2"]
    """As `place` writes them."""
    lengths: Int[Array, " documents"]
    longest: int = eqx.field(static=True)
    """Steps of the longest."""

    @classmethod
    def of_lengths(cls, lengths: np.ndarray, owner: str) -> "Documents":
        """Documents of these lengths one after the other, in the file `owner`."""
        if lengths.max() > LONGEST:
            raise ValueError(f"{owner}: a document has at most {LONGEST:,} steps, got one of {lengths.max():,}")
        ends = np.cumsum(lengths, dtype=np.int64)
        begins = np.stack([place(int(begin)) for begin in ends - lengths])
        return cls(jnp.asarray(begins), jnp.asarray(lengths.astype(np.int32)), int(lengths.max()))

    @classmethod
    def of_longest(cls, longest: int, owner: str) -> "Documents":
        """All that an evaluation needs to know of the documents that a run was trained on: the `longest` one, of the
        file `owner`."""
        return cls.of_lengths(np.array([longest]), owner)

    @classmethod
    def read(cls, reader: AbstractReader) -> "Documents":
        """Those of a file whose inputs say to which document a step belongs.

        A number or an identifier that differs from that of the step before begins a document; of booleans, True does.
        The column is read once, from end to end.

        **Raises:** `UsageError` where a step holds more than one number, or one that is not an integer.
        """
        shape, dtype = reader.inputs
        if shape or dtype.kind not in "biu":
            raise UsageError(f"{reader.name}: a document has one integer or boolean per step, got {dtype}{list(shape)}")
        first, last = [np.zeros(1, np.int64)], None
        for start in range(0, reader.length, READ_STEPS):
            marks = reader.read(start, min(start + READ_STEPS, reader.length))[0]
            if dtype.kind == "b":
                new = marks.copy()
            else:
                new = np.concatenate([[last is not None and marks[0] != last], marks[1:] != marks[:-1]])
            last = marks[-1]
            new[0] &= start > 0  # the file begins one anyway
            first.append(start + np.flatnonzero(new))
        return cls.of_lengths(np.diff(np.concatenate([*first, [reader.length]])), reader.name)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.lengths.shape[0]

    def all_of(
        self, reader: AbstractReader, *, tokens: int | None = None, classes: int | None = None
    ) -> StreamSequence:
        """Every document of `reader` as one with a leading axis; `tokens` and `classes` as for `StreamSequence`."""
        make = lambda begin, length: StreamSequence(
            reader=reader, begin=begin, length=length, tokens=tokens, classes=classes
        )
        return jax.vmap(make)(self.begins, self.lengths)

    def drawn(
        self,
        reader: AbstractReader,
        segment: int | None,
        *,
        tokens: int | None = None,
        classes: int | None = None,
        key: Key,
    ) -> StreamSequence:
        """A document of `reader`, all equally likely, with `tokens` and `classes` as for `StreamSequence`; of one that
        is longer than a `segment`, that many steps from a random place."""
        key_document, key_step = jax.random.split(key)
        number = jax.random.randint(key_document, (), 0, self.count, jnp.int32)
        begin, length = self.begins[number], self.lengths[number]
        if segment is not None:
            offset = jax.random.randint(key_step, (), 0, jnp.maximum(length - segment, 0) + 1, jnp.int32)
            begin, length = _later(begin, offset), jnp.minimum(length, segment)
        return StreamSequence(reader=reader, begin=begin, length=length, tokens=tokens, classes=classes)


def _later(begin: Int[Array, "2"], steps: Int[Array, ""]) -> Int[Array, "2"]:
    """The place that many steps, at most 2^30, after another."""
    rest = begin[1] + steps  # below 2^31
    over = (rest >= PART).astype(jnp.int32)
    return jnp.stack([begin[0] + over, rest - over * PART])
