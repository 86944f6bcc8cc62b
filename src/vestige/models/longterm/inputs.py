"""From what is seen at one step to features."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.numerics import masked_where, require_support
from vestige.sequences import ContextWindow
from vestige.typing import Key, PyTree


class AbstractInput(eqx.Module):
    """Reads the inputs of one step."""

    features_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def __call__(self, inputs: PyTree[Array]) -> Float[Array, " features"]:
        """The features of one step.

        **Arguments:**

        - `inputs`: what a task shows at a step, without a time axis.

        **Returns:** (features_size,).

        **Raises:** `ValueError` for concrete inputs out of range, or a vector that is too short.
        """


class Token(AbstractInput):
    """A learned vector for each of `tokens` integers, 0 to `tokens - 1`; NaN for any other traced one.

    **Arguments:**

    - `tokens`: how many integers there are.
    - `features_size`: length of a vector.

    **Raises:** `ValueError`, where it is called, for a concrete integer out of range.
    """

    table: eqx.nn.Embedding
    features_size: int = eqx.field(static=True)

    def __init__(self, tokens: int, features_size: int, *, key: Key):
        self.table = eqx.nn.Embedding(tokens, features_size, key=key)
        self.features_size = features_size

    def __call__(self, inputs: Array) -> Float[Array, " features"]:
        count = self.table.num_embeddings
        inside = lambda token: (token >= 0) & (token < count)
        require_support(inputs, inside, owner="Token", expected=f"tokens must be 0 to {count - 1}")
        return jnp.where(inside(inputs), self.table(jnp.clip(inputs, 0, count - 1)), jnp.nan)


class Vector(AbstractInput):
    """A rectified layer on a vector of real numbers.

    **Arguments:**

    - `size`: length of the vector.
    - `features_size`: units of the layer.
    """

    layer: eqx.nn.Linear
    features_size: int = eqx.field(static=True)

    def __init__(self, size: int, features_size: int, *, key: Key):
        self.layer = eqx.nn.Linear(size, features_size, key=key)
        self.features_size = features_size

    def __call__(self, inputs: Array) -> Float[Array, " features"]:
        return jax.nn.relu(self.layer(inputs))


class Columns(AbstractInput):
    """Some numbers of a vector, by their places, read by a `Vector` of its own: what is not named is not seen.

    So a memory can be kept from what only the question may know, such as the action that is about to be taken.

    **Arguments:**

    - `columns`: places of the numbers, in the order in which they are read.
    - `features_size`: of the `Vector`.

    **Raises:** `ValueError` where `columns` is empty, or a place is negative or named twice.
    """

    vector: Vector
    columns: tuple[int, ...] = eqx.field(static=True)
    features_size: int = eqx.field(static=True)

    def __init__(self, columns: Sequence[int], features_size: int, *, key: Key):
        self.columns, self.features_size = tuple(columns), features_size
        if not self.columns or min(self.columns) < 0 or len(set(self.columns)) < len(self.columns):
            raise ValueError(f"Columns: name at least one place, each once, from 0 on; got {self.columns}")
        self.vector = Vector(len(self.columns), features_size, key=key)

    def __call__(self, inputs: Array) -> Float[Array, " features"]:
        if max(self.columns) >= inputs.shape[-1]:
            raise ValueError(
                f"Columns: places must be below {inputs.shape[-1]}, the numbers of a step, got {max(self.columns)}"
            )
        return self.vector(inputs[jnp.array(self.columns)])


class Now(AbstractInput):
    """Of [`ContextWindow`][vestige.sequences.ContextWindow] inputs the step's own, read by `inner`."""

    inner: AbstractInput
    features_size: int = eqx.field(static=True)

    def __init__(self, inner: AbstractInput):
        self.inner, self.features_size = inner, inner.features_size

    def __call__(self, inputs: ContextWindow) -> Float[Array, " features"]:
        return self.inner(inputs.now)


class Recent(AbstractInput):
    """Of [`ContextWindow`][vestige.sequences.ContextWindow] inputs those of the last `width` steps, each read by
    `inner`, and a rectified layer on them all. Steps before the sequence's first count as zeros.

    **Arguments:**

    - `inner`: reads one step.
    - `width`: steps of the window.
    - `features_size`: units of the layer.
    """

    inner: AbstractInput
    layer: eqx.nn.Linear
    features_size: int = eqx.field(static=True)

    def __init__(self, inner: AbstractInput, width: int, features_size: int, *, key: Key):
        self.inner, self.features_size = inner, features_size
        self.layer = eqx.nn.Linear(width * inner.features_size, features_size, key=key)

    def __call__(self, inputs: ContextWindow) -> Float[Array, " features"]:
        features = jax.vmap(self.inner)(masked_where(inputs.inside, inputs.recent))
        return jax.nn.relu(self.layer(jnp.where(inputs.inside[:, None], features, 0.0).ravel()))
