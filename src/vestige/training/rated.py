"""Optimisers whose rate is an input of the compiled program."""

from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

Made = Callable[[Any], optax.GradientTransformation]


def rated(rate: float, make: Made) -> optax.GradientTransformationExtraArgs:
    """The optimiser `make(rate)`, in which the rate is an array that `vestige.training.fit` hands to its program: runs
    that differ in it alone share one program, which the second of them finds compiled.

    **Arguments:**

    - `rate`: the learning rate.
    - `make`: from a rate, which may be traced, to an optimiser of optax.

    **Returns:** an optimiser of optax, whose two functions are pytrees. Further keyword arguments of `update` go on to
    the one that was made. In a program that closes over it the rate is a
    constant, as it is in any other.
    """
    value = jnp.asarray(rate)  # of the precision of what it meets, as a Python number
    return optax.GradientTransformationExtraArgs(_Init(value, make), _Update(value, make))


class _Rated(eqx.Module):
    """A function of an optimiser; as such hashed by identity, so that `jax.jit` takes it."""

    rate: Float[Array, ""]
    make: Made = eqx.field(static=True)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


@final
class _Init(_Rated):
    def __call__(self, params: Any) -> Any:
        return self.make(self.rate).init(params)


@final
class _Update(_Rated):
    def __call__(self, updates: Any, state: Any, params: Any = None, **further: Any) -> Any:
        made = optax.with_extra_args_support(self.make(self.rate))
        return made.update(updates, state, params, **further)
