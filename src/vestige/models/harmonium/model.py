"""The exponential-family harmonium."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families import AbstractExponentialFamily, Beside, bits
from vestige.typing import Key, PyTree


class Harmonium(eqx.Module):
    """q(v, h) ∝ base(v) exp(b · T(v) + c · h + T(v) W h): visible units of any
    exponential family, hidden bits. Unbatched.

    A restricted Boltzmann machine where the visible units are bits. (Welling et al. 2005; rbmish.)
    """

    weights: Float[Array, "naturals hidden"]
    visible_bias: Float[Array, " naturals"]
    hidden_bias: Float[Array, " hidden"]
    family: AbstractExponentialFamily | Beside

    def logits(self, value: PyTree[Array]) -> Float[Array, " hidden"]:
        """Those of the hidden bits given what is visible."""
        return self.hidden_bias + self.family.statistics(value) @ self.weights

    def natural(self, hidden: Float[Array, " hidden"]) -> Float[Array, " naturals"]:
        """The natural parameters of the visible units given the hidden ones."""
        return self.visible_bias + self.weights @ hidden

    def log_unnormalised(self, value: PyTree[Array]) -> Float[Array, ""]:
        """The negative free energy, log q(v) + log Z, with the hidden units summed out.

        **Raises:** `ValueError` for a concrete value outside the support. Of a traced one it is -inf, NaN of NaN.
        """
        self.family.require(value)
        linear = jnp.dot(self.visible_bias, self.family.statistics(value))
        return linear + self.family.log_base(value) + jnp.sum(jax.nn.softplus(self.logits(value)))

    def negative_energy(self, value: PyTree[Array], hidden: Float[Array, " hidden"]) -> Float[Array, ""]:
        """log q(v, h) + log Z."""
        linear = jnp.dot(self.visible_bias, self.family.statistics(value))
        return linear + self.family.log_base(value) + jnp.dot(hidden, self.logits(value))

    def gibbs(self, hidden: Float[Array, " hidden"], sweeps: int, *, key: Key) -> PyTree[Array]:
        """The visible units after so many sweeps: v given h, then h given v, and so on; v is sampled last."""
        first, key = jax.random.split(key)
        value = self.family.draw(self.natural(hidden), key=first)

        def sweep(value: PyTree[Array], key: Key) -> tuple[PyTree[Array], None]:
            key_hidden, key_visible = jax.random.split(key)
            hidden = bits(self.logits(value), key=key_hidden)
            return self.family.draw(self.natural(hidden), key=key_visible), None

        if sweeps > 1:
            value, _ = jax.lax.scan(sweep, value, jax.random.split(key, sweeps - 1))
        return value

    def contrast(
        self, value: PyTree[Array], *, sweeps: int, noise: float = 0.0, sampled: bool = False, key: Key
    ) -> Float[Array, ""]:
        """F(v_n) - F(v_0): its gradient is the CD-n statistic, with the hidden units summed out at both ends.

        The chain starts at hidden bits drawn given the value, and its end is a constant: no gradient runs along it. The
        number itself means nothing; it is no bound of log q(v). (Hinton 2002.)

        **Arguments:**

        - `sweeps`: n, sweeps of Gibbs sampling, at least 1.
        - `noise`: probability that the chain starts at hidden bits drawn given standard normal statistics instead,
          which finds modes far from the data. The positive phase is untouched.
        - `sampled`: the positive statistics have hidden bits drawn given the value, as rbmish has, and not their
          means: the same on average, with more noise.
        """
        key_hidden, key_noise, key_chain = jax.random.split(key, 3)
        fixed = jax.lax.stop_gradient(self)
        start = drawn = bits(fixed.logits(value), key=key_hidden)
        if noise:
            key_whether, key_statistics, key_bits = jax.random.split(key_noise, 3)
            foreign = jax.random.normal(key_statistics, fixed.visible_bias.shape, fixed.visible_bias.dtype)
            elsewhere = bits(fixed.hidden_bias + foreign @ fixed.weights, key=key_bits)
            start = jnp.where(jax.random.bernoulli(key_whether, noise), elsewhere, start)
        fantasy = jax.lax.stop_gradient(fixed.gibbs(start, sweeps, key=key_chain))
        positive = self.negative_energy(value, drawn) if sampled else self.log_unnormalised(value)
        return positive - self.log_unnormalised(fantasy)

    def sparsity(self, value: PyTree[Array], activity: float | Float[Array, ""]) -> Float[Array, ""]:
        """Σ_j a log p(h_j = 1 | v) + (1 - a) log p(h_j = 0 | v), nats: highest where hidden means are `activity`, a.

        Its slope in the inputs of the hidden bits is a - p(h_j = 1 | v): what rbmish adds to the positive phase, there
        of a batch's averages that move on by 0.95 at every update, here of each example. Previous states are visible
        units of a joint harmonium, and count as such.
        """
        logits = self.logits(value)
        return jnp.sum(activity * logits - jax.nn.softplus(logits))

    def continued(self, fantasy: PyTree[Array], sweeps: int, *, key: Key) -> PyTree[Array]:
        """A persistent chain so many sweeps later, without gradient; it outlives updates (Tieleman 2008)."""
        key_hidden, key_chain = jax.random.split(key)
        fixed = jax.lax.stop_gradient(self)
        return fixed.gibbs(bits(fixed.logits(fantasy), key=key_hidden), sweeps, key=key_chain)
