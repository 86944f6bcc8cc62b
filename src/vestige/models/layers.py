"""Layers that several models share."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.numerics import convolve
from vestige.typing import Key


def rectified(inputs: int, outputs: int, *, key: Key) -> eqx.nn.Linear:
    """A linear layer to be followed by a rectifier: He initialisation, biases at zero.

    The usual uniform start loses a factor of 0.4 in amplitude per rectified layer; behind three of them a
    latent of unit variance hardly moves a pixel, and the model begins by ignoring it.

    **Arguments:**

    - `inputs`, `outputs`: widths.
    """
    layer = eqx.nn.Linear(inputs, outputs, key=key)
    weight = jax.nn.initializers.he_normal(in_axis=1, out_axis=0)(key, (outputs, inputs))
    return eqx.tree_at(lambda x: (x.weight, x.bias), layer, (weight, jnp.zeros(outputs)))


def convolved(
    layer: eqx.nn.Conv | eqx.nn.ConvTranspose, x: Float[Array, "*places channels"]
) -> Float[Array, "*positions out"]:
    """A layer of Equinox on an input whose channels are last, as a product of matrices
    ([`convolve`][vestige.numerics.convolve]): the same numbers, at full speed also in the loop of updates on a CPU.

    **Arguments:**

    - `layer`: the same window, stride and padding along each axis, no dilation, one group, padded with zeros.
    - `x`: one example.

    **Returns:** what `layer` gives, channels last.

    **Raises:** `ValueError` for a layer of another form.
    """
    form = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode)
    alike = not isinstance(layer.padding, str) and all(len(set(each)) == 1 for each in form[:4])
    if not alike or set(layer.dilation) != {1} or layer.groups != 1 or layer.padding_mode != "ZEROS":
        raise ValueError(
            "convolved: the layer must have one window, stride and padding for all axes, dilation 1, one group and "
            f"zeros around, got (kernel_size, stride, padding, dilation, groups, padding_mode) = {form}"
        )
    (window, *_), (stride, *_), (pads, *_) = layer.kernel_size, layer.stride, layer.padding
    before, after = int(pads[0]), int(pads[1])
    if isinstance(layer, eqx.nn.ConvTranspose):
        padding = (window - 1 - before, window - 1 - after + layer.output_padding[0])
        out = convolve(x, layer.weight, padding=padding, spread=stride)
    else:
        out = convolve(x, layer.weight, padding=(before, after), stride=stride)
    return out if layer.bias is None else out + jnp.moveaxis(layer.bias, 0, -1)
