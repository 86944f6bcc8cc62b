"""What the weights of the two directions have to do with each other: nodes that are resolved at the boundary.

A tie holds the parameters of one connection. Models never look inside it: they ask for the kernel of either direction,
and rules hand back a derivative for each. So a tie survives optimisers, checkpoints and copies as what it is.
"""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

Kernel = Float[Array, "..."]

Tie = Callable[[Kernel, Kernel, int], "AbstractTie"]
"""From two kernels drawn independently, of generation and of recognition, and the axis that counts upper units."""


class AbstractTie(eqx.Module):
    """The parameters behind the two kernels of a connection, both in the connection's layout."""

    @abc.abstractmethod
    def generation(self) -> Kernel:
        """The kernel of the way down.

        **Returns:** an array of the connection's `kernel_shape`, differentiable in the parameters.
        """

    @abc.abstractmethod
    def recognition(self) -> Kernel:
        """The kernel of the way up; the connection uses it transposed.

        **Returns:** an array of the connection's `kernel_shape`, differentiable in the parameters.
        """

    @abc.abstractmethod
    def pull(self, generation: Kernel, recognition: Kernel) -> "AbstractTie":
        """From ascent directions of the two kernels to that of the parameters. Local: it looks at this connection
        alone.

        **Arguments:**

        - `generation`, `recognition`: directions of the two kernels, shaped like them.

        **Returns:** the direction, shaped like this node.
        """

    @property
    @abc.abstractmethod
    def shared(self) -> bool:
        """Whether the two kernels have to do with each other, so that both ways must be one connection."""


class Full(AbstractTie):
    """One kernel for both ways; half the weights."""

    kernel: Kernel

    @property
    def shared(self) -> bool:
        return True

    def generation(self) -> Kernel:
        return self.kernel

    def recognition(self) -> Kernel:
        return self.kernel

    def pull(self, generation: Kernel, recognition: Kernel) -> "Full":
        return Full(generation + recognition)


class Untied(AbstractTie):
    """A kernel for each way."""

    down: Kernel
    up: Kernel

    @property
    def shared(self) -> bool:
        return False

    def generation(self) -> Kernel:
        return self.down

    def recognition(self) -> Kernel:
        return self.up

    def pull(self, generation: Kernel, recognition: Kernel) -> "Untied":
        return Untied(generation, recognition)


class Scaled(AbstractTie):
    """One kernel, which recognition scales by a learned factor for each upper unit (or filter)."""

    kernel: Kernel
    scale: Float[Array, "..."]
    """Broadcasts against the kernel."""

    @property
    def shared(self) -> bool:
        return True

    def generation(self) -> Kernel:
        return self.kernel

    def recognition(self) -> Kernel:
        return self.kernel * self.scale

    def pull(self, generation: Kernel, recognition: Kernel) -> "Scaled":
        others = tuple(axis for axis, length in enumerate(self.scale.shape) if length == 1)
        scale = jnp.sum(recognition * self.kernel, axis=others, keepdims=True)
        return Scaled(generation + recognition * self.scale, scale)


class Soft(AbstractTie):
    """A kernel for each way, drawn together by the penalty strength · Σ (up - down)²."""

    down: Kernel
    up: Kernel
    strength: float = eqx.field(static=True)

    @property
    def shared(self) -> bool:
        return True

    def generation(self) -> Kernel:
        return self.down

    def recognition(self) -> Kernel:
        return self.up

    def pull(self, generation: Kernel, recognition: Kernel) -> "Soft":
        drawn = 2 * self.strength * (self.up - self.down)
        return Soft(generation + drawn, recognition - drawn, self.strength)


def full(down: Kernel, up: Kernel, axis: int) -> Full:
    """Each other's transpose, always: the kernel is `down`; `up` and `axis` are not used."""
    return Full(down)


def untied(down: Kernel, up: Kernel, axis: int) -> Untied:
    """Two unrelated networks, with the kernels `down` and `up`; `axis` is not used."""
    return Untied(down, up)


def begun_tied(down: Kernel, up: Kernel, axis: int) -> Untied:
    """Each other's transpose at the start only: both kernels begin as `down`; `up` and `axis` are not used."""
    return Untied(down, down)


def scaled(down: Kernel, up: Kernel, axis: int) -> Scaled:
    """Transposed up to a factor for each upper unit, 1 at the start.

    **Arguments:**

    - `down`: the kernel.
    - `up`: not used.
    - `axis`: that of the kernel that counts upper units.
    """
    shape = tuple(length if place == axis else 1 for place, length in enumerate(down.shape))
    return Scaled(down, jnp.ones(shape, down.dtype))


class Softly(eqx.Module):
    """Two kernels that begin alike and are drawn together.

    **Arguments:**

    - `strength`: of the penalty Σ (up - down)², not negative.

    **Raises:** `ValueError` for a negative strength.
    """

    strength: float = eqx.field(static=True, default=1e-3)

    def __check_init__(self):
        if self.strength < 0:
            raise ValueError(f"Softly: strength must be at least 0, got {self.strength}")

    def __call__(self, down: Kernel, up: Kernel, axis: int) -> Soft:
        return Soft(down, down, self.strength)
