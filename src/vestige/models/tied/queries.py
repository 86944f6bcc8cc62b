"""What a pair can be asked beside recognition: to make, to make again, to fill in, to go round."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.tied.net import Net
from vestige.models.tied.recognition import AbstractRecognition
from vestige.typing import Key


def generated(net: Net, top: Float[Array, "*top"], *, key: Key) -> Float[Array, "*units"]:
    """Mean data of one downward pass from this top, the hidden layers sampled."""
    return net.units[0].mean(net.down_logits(0, net.generate(top=top, key=key)[1]))


def reconstructed(net: Net, data: Float[Array, "*units"], *, layer: int | None = None) -> Float[Array, "*units"]:
    """Up to `layer` (the top by default) and down again, means all the way (AP1): logits of the data.

    **Raises:** `ValueError` for a layer that is not there.
    """
    layer = net.depth if layer is None else layer
    if not 1 <= layer <= net.depth:
        raise ValueError(f"reconstructed: layer must be from 1 to {net.depth}, got {layer}")
    state = data
    for k in range(1, layer + 1):
        state = net.units[k].mean(net.up_logits(k, state))
    for k in reversed(range(1, layer)):
        state = net.units[k].mean(net.down_logits(k, state))
    return net.down_logits(0, state)


def inpainted(
    net: Net, data: Float[Array, "*units"], known: Bool[Array, "*units"], *, sweeps: int, key: Key
) -> Float[Array, "*units"]:
    """Probabilities of what is missing, by alternating sampled upward and downward passes with the known data clamped;
    the mean over the second half of the sweeps (notes, section 3.4). Exact Gibbs sampling for two consistent layers.

    **Raises:** `ValueError` for fewer than 1 sweep.
    """
    if sweeps < 1:
        raise ValueError(f"inpainted: sweeps must be at least 1, got {sweeps}")
    burnt = sweeps // 2

    def go(carry: tuple[Array, Array], t: Array) -> tuple[tuple[Array, Array], None]:
        state, total = carry
        key_up, key_down, key_fill = jax.random.split(jax.random.fold_in(key, t), 3)
        hidden = net.recognise(state, key=key_up)
        logits = net.down_logits(0, net.generate(top=hidden[-1], key=key_down)[1])
        filled = jnp.where(known, data, net.units[0].sample(logits, key=key_fill))
        return (filled, total + jnp.where(t >= burnt, net.units[0].mean(logits), 0.0)), None

    start = jnp.where(known, data, net.units[0].sample(net.down_biases[0], key=jax.random.fold_in(key, sweeps)))
    (_, total), _ = jax.lax.scan(go, (start, jnp.zeros_like(data)), jnp.arange(sweeps))
    return jnp.where(known, data, total / (sweeps - burnt))


def round_trip(net: Net, recognition: AbstractRecognition, label: Int[Array, ""], *, key: Key) -> Bool[Array, ""]:
    """Whether data generated for a class, all layers sampled, are recognised as that class."""
    key_down, key_up = jax.random.split(key)
    top = jax.nn.one_hot(label, net.units[-1].shape[0], dtype=net.prior.dtype)
    data = net.generate(top=top, key=key_down)[0]
    return jnp.argmax(recognition.log_top(net, data, key=key_up)) == label
