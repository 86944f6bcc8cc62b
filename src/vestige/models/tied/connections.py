"""How two neighbouring layers are joined: a form that is linear in the kernel, in the lower and in the upper layer.

Up and down are each other's transpose by construction: Σ upper · up(kernel, lower) = Σ lower · down(kernel, upper).
"""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.numerics import convolve


class AbstractConnection(eqx.Module):
    """Between a layer of shape `lower` and one of shape `upper`; holds no weights."""

    lower: eqx.AbstractVar[tuple[int, ...]]
    upper: eqx.AbstractVar[tuple[int, ...]]

    @property
    @abc.abstractmethod
    def kernel_shape(self) -> tuple[int, ...]:
        """Of the weights."""

    @property
    @abc.abstractmethod
    def upper_axis(self) -> int:
        """The axis of the kernel that counts upper units (or their channels)."""

    @abc.abstractmethod
    def up(self, kernel: Float[Array, "..."], lower: Float[Array, "*lower"]) -> Float[Array, "*upper"]:
        """To the upper layer. O(kernel), times the places of a convolution.

        **Arguments:**

        - `kernel`: of shape `kernel_shape`.
        - `lower`: one value or mean of the lower layer, of shape `lower`.

        **Returns:** an array of shape `upper`.
        """

    @abc.abstractmethod
    def down(self, kernel: Float[Array, "..."], upper: Float[Array, "*upper"]) -> Float[Array, "*lower"]:
        """To the lower layer, by the transpose.

        **Arguments:**

        - `kernel`: of shape `kernel_shape`.
        - `upper`: one value or mean of the upper layer, of shape `upper`.

        **Returns:** an array of shape `lower`.
        """

    @abc.abstractmethod
    def correlate(self, lower: Float[Array, "rows *lower"], upper: Float[Array, "rows *upper"]) -> Float[Array, "..."]:
        """The derivative of the form in the kernel, summed over rows: for a dense one Σ_r lower_r upper_rᵀ. It takes
        rows, unlike everything else here, since it is one product of matrices then.

        **Arguments:**

        - `lower`, `upper`: (rows, …), values or means of the two layers.

        **Returns:** an array of shape `kernel_shape`.
        """


class Dense(AbstractConnection):
    """Every unit with every unit; the kernel is (lower size, upper size), whatever the layers' shapes."""

    lower: tuple[int, ...] = eqx.field(static=True)
    upper: tuple[int, ...] = eqx.field(static=True)

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        return math.prod(self.lower), math.prod(self.upper)

    @property
    def upper_axis(self) -> int:
        return 1

    def up(self, kernel: Float[Array, "..."], lower: Float[Array, "*lower"]) -> Float[Array, "*upper"]:
        return (lower.reshape(-1) @ kernel).reshape(self.upper)

    def down(self, kernel: Float[Array, "..."], upper: Float[Array, "*upper"]) -> Float[Array, "*lower"]:
        return (kernel @ upper.reshape(-1)).reshape(self.lower)

    def correlate(self, lower: Float[Array, "rows *lower"], upper: Float[Array, "rows *upper"]) -> Float[Array, "..."]:
        rows = lower.shape[0]
        return lower.reshape(rows, -1).T @ upper.reshape(rows, -1)


class Convolution(AbstractConnection):
    """A convolution of images; the kernel is (filters, channels, side, side).

    **Arguments:**

    - `lower`: (channels, height, width), the shape of an image.
    - `filters`: channels of the upper layer.
    - `side`: pixels of the kernel in each direction.
    - `stride`: pixels from one place of the kernel to the next.
    - `padding`: zeros on each side, from 0 to `side - 1`.

    **Raises:** `ValueError` where the transpose does not come back to the size of `lower`: with a stride, pixels at the
    border would be seen on the way up and never be generated on the way down.
    """

    lower: tuple[int, ...] = eqx.field(static=True)
    upper: tuple[int, ...] = eqx.field(static=True)
    side: int = eqx.field(static=True)
    stride: int = eqx.field(static=True)
    padding: int = eqx.field(static=True)

    def __init__(self, lower: tuple[int, ...], filters: int, side: int, stride: int = 1, padding: int = 0):
        if len(lower) != 3:
            raise ValueError(f"Convolution: lower must be (channels, height, width), got {lower}")
        if min(filters, side, stride) < 1 or not 0 <= padding < side:
            raise ValueError(
                "Convolution: filters, side and stride must be at least 1 and padding from 0 to side - 1, got "
                f"filters={filters}, side={side}, stride={stride}, padding={padding}"
            )
        sides = []
        for length in lower[1:]:
            steps, left = divmod(length + 2 * padding - side, stride)
            if steps < 0 or left:
                back = steps * stride + side - 2 * padding
                raise ValueError(
                    f"Convolution: a kernel of {side} with stride {stride} and padding {padding} cannot be transposed "
                    f"on {length} pixels: the way down gives {back}. Choose them so that size + 2 padding - side is a "
                    "multiple of the stride"
                )
            sides.append(steps + 1)
        self.lower, self.upper = lower, (filters, *sides)
        self.side, self.stride, self.padding = side, stride, padding

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        return self.upper[0], self.lower[0], self.side, self.side

    @property
    def upper_axis(self) -> int:
        return 0

    def up(self, kernel: Float[Array, "..."], lower: Float[Array, "*lower"]) -> Float[Array, "*upper"]:
        padding = (self.padding, self.padding)
        return jnp.moveaxis(convolve(jnp.moveaxis(lower, 0, -1), kernel, stride=self.stride, padding=padding), -1, 0)

    def down(self, kernel: Float[Array, "..."], upper: Float[Array, "*upper"]) -> Float[Array, "*lower"]:
        flipped = jnp.flip(kernel, (2, 3)).swapaxes(0, 1)
        pad = self.side - 1 - self.padding
        seen = convolve(jnp.moveaxis(upper, 0, -1), flipped, padding=(pad, pad), spread=self.stride)
        return jnp.moveaxis(seen, -1, 0)

    def correlate(self, lower: Float[Array, "rows *lower"], upper: Float[Array, "rows *upper"]) -> Float[Array, "..."]:
        def upward(kernel: Array) -> Array:
            return jax.vmap(self.up, (None, 0))(kernel, lower)

        blank = jax.ShapeDtypeStruct(self.kernel_shape, upper.dtype)
        (found,) = jax.linear_transpose(upward, blank)(upper.astype(jnp.result_type(lower, upper)))
        return found


class OnVector(AbstractConnection):
    """`connection`, whose lower layer is written as a vector: images that come as rows of pixels."""

    connection: AbstractConnection
    lower: tuple[int, ...] = eqx.field(static=True)
    upper: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, connection: AbstractConnection):
        self.connection = connection
        self.lower, self.upper = (math.prod(connection.lower),), connection.upper

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        return self.connection.kernel_shape

    @property
    def upper_axis(self) -> int:
        return self.connection.upper_axis

    def up(self, kernel: Float[Array, "..."], lower: Float[Array, "*lower"]) -> Float[Array, "*upper"]:
        return self.connection.up(kernel, lower.reshape(self.connection.lower))

    def down(self, kernel: Float[Array, "..."], upper: Float[Array, "*upper"]) -> Float[Array, "*lower"]:
        return self.connection.down(kernel, upper).reshape(self.lower)

    def correlate(self, lower: Float[Array, "rows *lower"], upper: Float[Array, "rows *upper"]) -> Float[Array, "..."]:
        return self.connection.correlate(lower.reshape(-1, *self.connection.lower), upper)
