"""Contrastive divergence, as the gradient of a difference of free energies."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families import bits
from vestige.models.harmonium.model import Harmonium
from vestige.typing import Key, PyTree


def contrast(
    harmonium: Harmonium, value: PyTree[Array], *, sweeps: int, noise: float = 0.0, key: Key
) -> Float[Array, ""]:
    """F(v_n) - F(v_0): its gradient is the CD-n statistic, with the hidden units summed out at both ends.

    The chain starts at hidden bits drawn given the value, and its end is a constant: no gradient runs along it. The
    number itself means nothing; it is no bound of log q(v). (Hinton 2002; the notes' 3.2.2.)

    **Arguments:**

    - `sweeps`: n, sweeps of Gibbs sampling, at least 1.
    - `noise`: probability that the chain starts at hidden bits drawn given standard normal statistics instead, which
      finds modes far from the data. The positive phase is untouched.
    """
    key_hidden, key_noise, key_chain = jax.random.split(key, 3)
    fixed = jax.lax.stop_gradient(harmonium)
    start = bits(fixed.logits(value), key=key_hidden)
    if noise:
        key_whether, key_statistics, key_bits = jax.random.split(key_noise, 3)
        foreign = jax.random.normal(key_statistics, fixed.visible_bias.shape, fixed.visible_bias.dtype)
        elsewhere = bits(fixed.hidden_bias + foreign @ fixed.weights, key=key_bits)
        start = jnp.where(jax.random.bernoulli(key_whether, noise), elsewhere, start)
    return against(harmonium, value, fixed.gibbs(start, sweeps, key=key_chain))


def against(harmonium: Harmonium, value: PyTree[Array], fantasy: PyTree[Array]) -> Float[Array, ""]:
    """The free energy of a fantasy, which is taken as a constant, less that of the value."""
    fantasy = jax.lax.stop_gradient(fantasy)
    return harmonium.log_unnormalised(value) - harmonium.log_unnormalised(fantasy)


def continued(harmonium: Harmonium, fantasy: PyTree[Array], sweeps: int, *, key: Key) -> PyTree[Array]:
    """A persistent chain so many sweeps later; it outlives updates of the model (Tieleman 2008)."""
    key_hidden, key_chain = jax.random.split(key)
    fixed = jax.lax.stop_gradient(harmonium)
    return fixed.gibbs(bits(fixed.logits(fantasy), key=key_hidden), sweeps, key=key_chain)
