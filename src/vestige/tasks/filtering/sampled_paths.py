"""What may come after a step: paths drawn from a filter, each fed back what was drawn."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt

from vestige.tasks.filtering.step_reader import Carried, StepReader
from vestige.typing import Key


@runtime_checkable
class DrawsSteps(Protocol):
    """A filter that can be sampled forward in time."""

    def draw(self, state: Array, /, *, key: Key) -> Float[Array, " p"]:
        """A sample of y_{t+1} from q(y_{t+1} | x_t).

        **Arguments:**

        - `state`: x_t.

        **Returns:** (p,).
        """
        ...


@runtime_checkable
class IsAffine(Protocol):
    """A filter that may be affine in what it saw."""

    @property
    def affine(self) -> bool:
        """Whether E[y_{t+1} | x_t] is affine in the observations that x_t holds, so that expectations that are fed back
        give expectations: the mean of many steps ahead needs no samples."""
        ...

    def predict(self, state: Array, /, *, key: Key) -> Float[Array, " p"]:
        """E[y_{t+1} | x_t].

        **Arguments:**

        - `state`: x_t.

        **Returns:** (p,).
        """
        ...


class Ahead(NamedTuple):
    """The steps after one, in units of the training."""

    paths: Float[Array, "paths steps p"]
    """Samples; of an affine filter moved so that their mean is exact."""
    linear: Float[Array, "steps p"]
    """By the linear regression from step to step, each from its own prediction of the one before."""


@eqx.filter_jit
def sampled_paths(
    reader: StepReader, carried: Carried, skipped: UInt[Array, ""], *, key: Key, paths: int, steps: int
) -> Ahead:
    """Draw y_{t+1}, y_{t+2}, … by turns: y ~ q(y | x), then x from x and y. One scan under `vmap` over the paths.

    A model that sees changes draws the change, which is added to the last frame: as its predictions are made. Of a
    filter that is affine the paths are moved so that their mean is that of infinitely many.

    **Arguments:**

    - `reader`: of the model, which must have `draw`.
    - `carried`: from step t.
    - `skipped`: how many steps after t are drawn and left out: those that went by unseen. May be traced.
    - `key`: path n uses `fold_in(key, n)`.
    - `paths`: how many, static.
    - `steps`: how many of each are kept, static.

    **Returns:** the paths, and what the linear regression says.
    """
    model, featurizer = reader.model, reader.featurizer

    def moved(carried: Carried, frame: Float[Array, "1 p"]) -> Float[Array, " features"]:
        return featurizer.following(featurizer.bare(carried.last[None]), frame)[0].astype(carried.last.dtype)

    def fed_back(carried: Carried, said: Float[Array, " features"]) -> tuple[Carried, Array]:
        frame = featurizer.next_frame(featurizer.bare(carried.last[None]), said[None])
        return reader.after(carried, moved(carried, frame)), frame[0]

    def drawn(carried: Carried, key: Key) -> tuple[Carried, Array]:
        return fed_back(carried, model.draw(carried.state, key=key))  # pyright: ignore[reportAttributeAccessIssue]

    def expected(carried: Carried, _: None) -> tuple[Carried, Array]:
        return fed_back(carried, model.predict(carried.state, key=key))

    def regressed(carried: Carried, _: None) -> tuple[Carried, Array]:
        frame = reader.linear(carried.last[None])
        return carried._replace(last=moved(carried, frame)), frame[0]

    def path(key: Key) -> Float[Array, "steps p"]:
        begun = jax.lax.fori_loop(
            jnp.zeros_like(skipped), skipped, lambda n, c: drawn(c, jax.random.fold_in(key, n))[0], carried
        )
        step = lambda c, n: drawn(c, jax.random.fold_in(key, n))
        return jax.lax.scan(step, begun, skipped + jnp.arange(steps, dtype=skipped.dtype))[1]

    def undrawn(step: Callable[[Carried, None], tuple[Carried, Array]]) -> Float[Array, "steps p"]:
        begun = jax.lax.fori_loop(jnp.zeros_like(skipped), skipped, lambda n, c: step(c, None)[0], carried)
        return jax.lax.scan(step, begun, None, steps)[1]

    keys = jax.vmap(lambda n: jax.random.fold_in(key, n))(jnp.arange(paths))
    found = jax.vmap(path)(keys)
    if isinstance(model, IsAffine) and model.affine:
        means = undrawn(expected)
        found = found + (means - jnp.mean(found, axis=0, dtype=jnp.float32)).astype(found.dtype)[None]
    return Ahead(found, undrawn(regressed))
