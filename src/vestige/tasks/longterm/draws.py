"""What generators of long sequences share: the steps of a window, draws that belong to a step, and sizes that fit."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from vestige.typing import Key


def steps_of(
    start: Int[Array, ""], size: int, length: Int[Array, ""]
) -> tuple[Int[Array, " size"], Bool[Array, " size"]]:
    """The steps of a window, and which of them the sequence has; in place of the others stands step 0.

    **Arguments:**

    - `start`: the first step.
    - `size`: how many, static.
    - `length`: steps of the sequence.

    **Returns:** (size,), integers, and (size,), bools.
    """
    steps = (start + jnp.arange(size, dtype=start.dtype)).astype(length.dtype)
    inside = (steps >= 0) & (steps < length)
    return jnp.where(inside, steps, 0), inside


def drawn_at(steps: Int[Array, " size"], draw: Callable[[Key], Array], *, key: Key) -> Array:
    """`draw` with the key of each of `steps`: the same for a step whatever window it is in."""
    return jax.vmap(lambda step: draw(jax.random.fold_in(key, step)))(steps)


def subset(of: int | Int[Array, ""], count: int, *, key: Key) -> Int[Array, " count"]:
    """`count` different numbers out of 0 … `of - 1`, rising, every such set equally likely.

    Floyd's algorithm: time `count²` and memory `count`, whatever `of`.
    """
    if count == 0:
        return jnp.zeros(0, jnp.int32)

    def add(taken: Array, chosen: Array) -> Array:
        last = jnp.asarray(of - count + taken, jnp.int32)
        number = jax.random.randint(jax.random.fold_in(key, taken), (), 0, last + 1, jnp.int32)
        return chosen.at[taken].set(jnp.where(jnp.any(chosen == number), last, number))

    return jnp.sort(jax.lax.fori_loop(0, count, add, jnp.full(count, -1, jnp.int32)))


def drawn_length(max_length: int, min_length: int | None, *, key: Key) -> Int[Array, ""]:
    """`max_length`; or, with a `min_length`, a number d from there on with probability in proportion to 1 / d(d + 1).

    Where d is a length, every octave of lengths then takes the same share of all steps.
    """
    if min_length is None:
        return jnp.array(max_length, jnp.int32)
    inverse = jax.random.uniform(key, minval=1 / (max_length + 1), maxval=1 / min_length)
    return jnp.clip((1.0 / inverse).astype(jnp.int32), min_length, max_length)


def in_range(owner: str, name: str, value: int | None, upper: str, largest: int) -> None:
    """Check an option of `owner`.

    **Raises:** `ValueError` where `value`, called `name`, is neither None nor in 1..`largest`, called `upper`.
    """
    if value is not None and not 1 <= value <= largest:
        raise ValueError(f"{owner}: {name} must be in 1..{upper}, 1..{largest}, got {value}")


def at_least(least: int, owner: str, **sizes: int) -> None:
    """Check options of `owner`, the `sizes` by name.

    **Raises:** `ValueError` where one of them is smaller than `least`.
    """
    for name, size in sizes.items():
        if size < least:
            raise ValueError(f"{owner}: {name} must be at least {least}, got {name}={size}")
