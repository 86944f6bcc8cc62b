"""A sequence that stays in its file."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vestige.sequences.contract import AbstractSequence, Window
from vestige.sequences.hosting import read_rows, stored_as
from vestige.sequences.places import LONGEST, place
from vestige.sequences.readers import AbstractReader


class StreamSequence(AbstractSequence):
    """`length` steps of a file from step `begin` on, of which only the requested windows are ever read.

    Many of them on one file are one with a leading axis, and their windows one call to the host. Integers and booleans
    come out as int32 and floating-point numbers as float32, however they are stored; steps outside are zeros, and so
    are outcomes that are not known.

    It works wherever arrays do (`jit`, `vmap`, loops, beside what is differentiated), but is read by the host: an
    accelerator waits for it. Cost of a window: one call to the host, and the reader's cost per row.

    **Arguments:**

    - `reader`: the file.
    - `begin`: where it begins, as [`place`][vestige.sequences.place] writes it: 32 bits do not suffice.
    - `length`: at most 2^30 steps.
    - `tokens`: if given, inputs must be integers in 0..`tokens - 1`.
    - `classes`: if given, outcomes must be integers in 0..`classes - 1`.

    **Raises**, when a window is read: `RunError`, naming file and step, where the file has shrunk, where fewer steps
    come back than were requested, where an input is not finite, where an outcome is NaN (or negative, with `classes`)
    although the reader was not made with `unknown_outcomes=True`, where a number does not fit into 32 bits, and where
    float32 would round away how float64 numbers change from step to step. Inside a compiled program JAX wraps the
    message in an error of its own, which `fit` takes off again.
    """

    reader: AbstractReader = eqx.field(static=True)
    begin: Int[Array, "2"]
    length: Int[Array, ""]
    tokens: int | None = eqx.field(static=True, default=None)
    classes: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        for name, count, steps in (
            ("tokens", self.tokens, self.reader.inputs),
            ("classes", self.classes, self.reader.outcomes),
        ):
            if count is not None and (count < 1 or steps.dtype.kind not in "biu"):
                raise ValueError(
                    f"StreamSequence: {name}={count} needs at least 1, and integers in {self.reader.name}, which has "
                    f"{steps.dtype}"
                )

    def window(self, start: Int[Array, ""], size: int) -> Window:
        start = start.astype(jnp.int32)
        steps = start + jnp.arange(size, dtype=jnp.int32)
        inside = (steps >= 0) & (steps < self.length)
        like = (
            jax.ShapeDtypeStruct((size, *self.reader.inputs.shape), stored_as(self.reader.inputs.dtype)),
            jax.ShapeDtypeStruct((size, *self.reader.outcomes.shape), stored_as(self.reader.outcomes.dtype)),
            jax.ShapeDtypeStruct((size,), bool),
        )
        read = functools.partial(read_rows, self.reader, size, self.tokens, self.classes)
        row = jnp.concatenate([self.begin, jnp.stack([start, self.length])])
        inputs, outcomes, known = jax.pure_callback(read, like, row, vmap_method="broadcast_all")
        return Window(inputs, outcomes, known, inside)


def lanes(
    reader: AbstractReader, count: int, *, tokens: int | None = None, classes: int | None = None
) -> StreamSequence:
    """A file cut into `count` consecutive sequences, as one with a leading axis; lengths differ by one step at most.

    **Arguments:**

    - `reader`: the file.
    - `count`: how many sequences.
    - `tokens`, `classes`: how many integers an input and an outcome may be; None where they are numbers.

    **Raises:** `ValueError` where the file has fewer than `count` steps, or more than 2^30 for each.
    """
    if not 1 <= count <= reader.length:
        raise ValueError(f"{reader.name}: count must be in 1..{reader.length:,}, its number of steps, got {count:,}")
    if -(-reader.length // count) > LONGEST:
        raise ValueError(
            f"{reader.name}: {reader.length:,} steps in count={count:,} sequences are more than {LONGEST:,} each; take "
            f"count={-(-reader.length // LONGEST)} at least"
        )
    cuts = [reader.length * row // count for row in range(count + 1)]
    begins = np.stack([place(cut) for cut in cuts[:-1]])
    lengths = np.diff(np.array(cuts, np.int64)).astype(np.int32)
    make = jax.vmap(
        lambda begin, length: StreamSequence(reader=reader, begin=begin, length=length, tokens=tokens, classes=classes)
    )
    return make(jnp.asarray(begins), jnp.asarray(lengths))


def whole(reader: AbstractReader, *, tokens: int | None = None, classes: int | None = None) -> StreamSequence:
    """A file from its first step to its last, as one sequence.

    **Arguments:**

    - `reader`: the file.
    - `tokens`, `classes`: how many integers an input and an outcome may be; None where they are numbers.

    **Raises:** `ValueError` where it has more than 2^30 steps.
    """
    return jax.tree.map(lambda leaf: leaf[0], lanes(reader, 1, tokens=tokens, classes=classes))
