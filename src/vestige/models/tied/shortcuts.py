"""Connections of the top layer with hidden layers that are not its neighbours."""

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
from jaxtyping import Array, Float

from vestige.models.tied.connections import AbstractConnection

Joined = Literal["none", "hidden", "all"]
"""The layers that a top is joined with beside its neighbour: no other, all other hidden ones, or these and the data."""


class Shortcuts(eqx.Module):
    """What joins the top xⁿ with some lower layers, with plain weights in either direction.

    ```
    up    adds Σ_k (R_k)ᵀ x^k to the logits of xⁿ
    down  adds W_k xⁿ to the logits of x^k
    ```

    So the top reads all of these layers, and each is generated from the layer above it and from the top. Also the form
    of a derivative with regard to these arrays.
    """

    layers: tuple[int, ...] = eqx.field(static=True)
    """Which layers, rising, none of them next to the top."""
    joints: tuple[AbstractConnection, ...]
    generation: tuple[Float[Array, "..."], ...]
    recognition: tuple[Float[Array, "..."], ...]

    def up(self, states: Sequence[Float[Array, "..."]]) -> Float[Array, "*top"]:
        """What comes up to the top layer.

        **Arguments:** `states`: values or means of the layers, from the data upward, at least up to the last joined.
        """
        parts = zip(self.layers, self.joints, self.recognition, strict=True)
        first, *others = (joint.up(kernel, states[k]) for k, joint, kernel in parts)
        return sum(others, first)

    def down(self, k: int, top: Float[Array, "*top"]) -> Float[Array, "*units"]:
        """What comes down to layer `k`, one of `layers`, from a value or mean of the top layer."""
        place = self.layers.index(k)
        return self.joints[place].down(self.generation[place], top)

    def generation_slopes(
        self, errors: Sequence[Float[Array, "rows *units"]], top: Float[Array, "rows *top"]
    ) -> tuple[Float[Array, "..."], ...]:
        """Derivatives in the weights of the way down.

        **Arguments:**

        - `errors`: of every layer of the net below the top, with rows.
        - `top`: values of the top layer.
        """
        return tuple(joint.correlate(errors[k], top) for k, joint in zip(self.layers, self.joints, strict=True))

    def recognition_slopes(
        self, states: Sequence[Float[Array, "rows *units"]], error: Float[Array, "rows *top"]
    ) -> tuple[Float[Array, "..."], ...]:
        """Derivatives in the weights of the way up.

        **Arguments:**

        - `states`: values of every layer, with rows.
        - `error`: of the top layer.
        """
        return tuple(joint.correlate(states[k], error) for k, joint in zip(self.layers, self.joints, strict=True))
