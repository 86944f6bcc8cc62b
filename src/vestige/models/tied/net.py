"""The two chains of conditionals, up and down, with plain weights."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.connections import AbstractConnection
from vestige.models.tied.units import AbstractUnits
from vestige.typing import Key

States = tuple[Float[Array, "..."], ...]
"""A value of every layer, the data first: x⁰ … xⁿ."""


class Net(eqx.Module):
    """A recognition and a generation network over the same layers x⁰ … xⁿ; what a pair resolves to.

    ```
    up    q(x^k | x^{k-1})  logits  (R^k)ᵀ x^{k-1} + v^k
    down  p(x^{k-1} | x^k)  logits   W^k  x^k + u^{k-1},      p(xⁿ)  logits u^n
    ```

    Of data other than bits (`Visible`) the way up is shown `seen(x⁰)` instead of x⁰.

    Also the form of a derivative with regard to these arrays. Everything is for one example.
    """

    units: tuple[AbstractUnits, ...]
    ups: tuple[AbstractConnection, ...]
    downs: tuple[AbstractConnection, ...]
    generation: tuple[Float[Array, "..."], ...]
    """W¹ … Wⁿ."""
    recognition: tuple[Float[Array, "..."], ...]
    """R¹ … Rⁿ, in the layout of W."""
    up_biases: tuple[Float[Array, "..."], ...]
    """v¹ … vⁿ."""
    down_biases: tuple[Float[Array, "..."], ...]
    """u⁰ … u^{n-1}."""
    prior: Float[Array, "..."]
    """uⁿ."""

    @property
    def depth(self) -> int:
        """n, the number of layers above the data."""
        return len(self.generation)

    def seen(self, k: int, value: Float[Array, "..."]) -> Float[Array, "..."]:
        """What layer k + 1 is shown of a value of layer k, k = 0 … n - 1."""
        return self.units[k].seen(value, self.down_biases[k])

    def up_logits(self, k: int, below: Float[Array, "..."]) -> Float[Array, "..."]:
        """Of layer k given layer k - 1, k = 1 … n."""
        return self.ups[k - 1].up(self.recognition[k - 1], self.seen(k - 1, below)) + self.up_biases[k - 1]

    def drive(self, k: int, above: Float[Array, "..."]) -> Float[Array, "..."]:
        """What comes down to layer k from layer k + 1, without the bias; k = 0 … n - 1."""
        return self.downs[k].down(self.generation[k], above)

    def down_logits(self, k: int, above: Float[Array, "..."]) -> Float[Array, "..."]:
        """Of layer k given layer k + 1, k = 0 … n - 1."""
        return self.units[k].logits(self.drive(k, above), self.down_biases[k])

    def prior_logits(self, k: int, above: Float[Array, "..."] | None) -> Float[Array, "..."]:
        """Of layer k given what lies above it, which at the top is nothing."""
        return self.prior if above is None else self.down_logits(k, above)

    def recognise(self, data: Float[Array, "..."], *, key: Key) -> States:
        """A sampled upward pass: x^k ~ q(x^k | x^{k-1})."""
        states = [data]
        for k in range(1, self.depth + 1):
            states.append(self.units[k].sample(self.up_logits(k, states[-1]), key=jax.random.fold_in(key, k)))
        return tuple(states)

    def generate(self, *, key: Key, top: Float[Array, "..."] | None = None) -> States:
        """A sampled downward pass, from a top drawn from the prior or the one given."""
        states = [self.units[-1].sample(self.prior, key=jax.random.fold_in(key, self.depth)) if top is None else top]
        for k in reversed(range(self.depth)):
            states.append(self.units[k].sample(self.down_logits(k, states[-1]), key=jax.random.fold_in(key, k)))
        return tuple(reversed(states))

    def log_p_terms(self, states: States) -> Float[Array, " layers"]:
        """log p(x⁰ | x¹), …, log p(x^{n-1} | xⁿ), log p(xⁿ)."""
        above = (*states[1:], None)
        logits = [self.prior_logits(k, up) for k, up in enumerate(above)]
        return jnp.stack([u.log_prob(x, a) for u, x, a in zip(self.units, states, logits, strict=True)])

    def log_q_terms(self, states: States) -> Float[Array, " layers"]:
        """log q(x¹ | x⁰), …, log q(xⁿ | x^{n-1})."""
        logits = [self.up_logits(k, states[k - 1]) for k in range(1, self.depth + 1)]
        return jnp.stack([u.log_prob(x, a) for u, x, a in zip(self.units[1:], states[1:], logits, strict=True)])

    def log_p(self, states: States) -> Float[Array, ""]:
        """log p(x⁰, …, xⁿ), nats."""
        return jnp.sum(self.log_p_terms(states))

    def log_q(self, states: States) -> Float[Array, ""]:
        """log q(x¹, …, xⁿ | x⁰), nats."""
        return jnp.sum(self.log_q_terms(states))

    def above(self, k: int) -> "Net":
        """The same from layer k on, which becomes the data: p(x^k, …, xⁿ) and q(x^{k+1}, …, xⁿ | x^k)."""
        return Net(
            self.units[k:],
            self.ups[k:],
            self.downs[k:],
            self.generation[k:],
            self.recognition[k:],
            self.up_biases[k:],
            self.down_biases[k:],
            self.prior,
        )
