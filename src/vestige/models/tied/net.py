"""The two chains of conditionals, up and down, with plain weights."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.connections import AbstractConnection
from vestige.models.tied.shortcuts import Shortcuts
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

    Of data other than bits (`Visible`) the way up is shown `seen(x⁰)` instead of x⁰. With `shortcuts` the top also
    reads lower layers, q(xⁿ | x^{n-1}, x^k …), and takes part in making them, p(x^k | x^{k+1}, xⁿ).

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
    shortcuts: Shortcuts | None = None

    @property
    def depth(self) -> int:
        """n, the number of layers above the data."""
        return len(self.generation)

    def seen(self, k: int, value: Float[Array, "..."]) -> Float[Array, "..."]:
        """What layer k + 1 is shown of a value of layer k, k = 0 … n - 1."""
        return self.units[k].seen(value, self.down_biases[k])

    @property
    def with_top(self) -> tuple[int, ...]:
        """The layers that are joined with the top, rising: those of the shortcuts, and n - 1."""
        return (*(self.shortcuts.layers if self.shortcuts else ()), self.depth - 1)

    def up_logits(self, k: int, states: Sequence[Float[Array, "..."]]) -> Float[Array, "..."]:
        """Of layer k given those below it, k = 1 … n.

        **Arguments:** `states`: of the layers from the data upward, at least k of them; layer k - 1 is read, and by the
        top those of the shortcuts.
        """
        from_below = (
            self.ups[k - 1].up(self.recognition[k - 1], self.seen(k - 1, states[k - 1])) + self.up_biases[k - 1]
        )
        if k < self.depth or self.shortcuts is None:
            return from_below
        return from_below + self.shortcuts.up((self.seen(0, states[0]), *states[1:]))

    def drive(self, k: int, above: Float[Array, "..."], top: Float[Array, "..."] | None = None) -> Float[Array, "..."]:
        """What comes down to layer k, without the bias; k = 0 … n - 1.

        **Arguments:**

        - `above`: layer k + 1.
        - `top`: layer n, which only a layer with a shortcut needs.

        **Raises:** `ValueError` where such a layer is given no top.
        """
        from_above = self.downs[k].down(self.generation[k], above)
        if self.shortcuts is None or k not in self.shortcuts.layers:
            return from_above
        if top is None:
            raise ValueError(
                f"layer {k} of this net has a shortcut to the top, and what is computed here takes the layers for a "
                "chain: give `top`, or build the net without shortcuts"
            )
        return from_above + self.shortcuts.down(k, top)

    def down_logits(
        self, k: int, above: Float[Array, "..."], top: Float[Array, "..."] | None = None
    ) -> Float[Array, "..."]:
        """Of layer k given what lies above it, k = 0 … n - 1; arguments and errors as of `drive`."""
        return self.units[k].logits(self.drive(k, above, top), self.down_biases[k])

    def data_logits(self, states: States) -> Float[Array, "..."]:
        """Of the data, given all layers above them in `states`."""
        return self.down_logits(0, states[1], states[-1])

    def recognise(self, data: Float[Array, "..."], *, key: Key) -> States:
        """A sampled upward pass: x^k ~ q(x^k | x^{k-1})."""
        return self.recognise_on((data,), key=key)

    def recognise_on(self, states: States, *, key: Key) -> States:
        """The rest of a sampled upward pass, from the lowest layers `states`."""
        found = list(states)
        for k in range(len(states), self.depth + 1):
            found.append(self.units[k].sample(self.up_logits(k, found), key=jax.random.fold_in(key, k)))
        return tuple(found)

    def generate(self, *, key: Key, top: Float[Array, "..."] | None = None) -> States:
        """A sampled downward pass, from a top drawn from the prior or the one given."""
        states = [self.units[-1].sample(self.prior, key=jax.random.fold_in(key, self.depth)) if top is None else top]
        for k in reversed(range(self.depth)):
            logits = self.down_logits(k, states[-1], states[0])
            states.append(self.units[k].sample(logits, key=jax.random.fold_in(key, k)))
        return tuple(reversed(states))

    def log_p_terms(self, states: States) -> Float[Array, " layers"]:
        """log p(x⁰ | x¹), …, log p(x^{n-1} | xⁿ), log p(xⁿ)."""
        return jnp.stack([self.log_p_term(k, states) for k in range(self.depth + 1)])

    def log_p_term(self, k: int, states: States) -> Float[Array, ""]:
        """log p(x^k | what lies above it), k = 0 … n."""
        logits = self.prior if k == self.depth else self.down_logits(k, states[k + 1], states[-1])
        return self.units[k].log_prob(states[k], logits)

    def log_q_terms(self, states: States) -> Float[Array, " layers"]:
        """log q(x¹ | x⁰), …, log q(xⁿ | x^{n-1})."""
        return jnp.stack([self.log_q_term(k, states) for k in range(1, self.depth + 1)])

    def log_q_term(self, k: int, states: States) -> Float[Array, ""]:
        """log q(x^k | what lies below it), k = 1 … n."""
        return self.units[k].log_prob(states[k], self.up_logits(k, states))

    def log_p(self, states: States) -> Float[Array, ""]:
        """log p(x⁰, …, xⁿ), nats."""
        return jnp.sum(self.log_p_terms(states))

    def log_q(self, states: States) -> Float[Array, ""]:
        """log q(x¹, …, xⁿ | x⁰), nats."""
        return jnp.sum(self.log_q_terms(states))

    def given_top(self, top: Float[Array, "..."]) -> "Net":
        """The layers below the top with the top at a value: a chain p(x⁰, …, x^{n-1} | xⁿ), of two layers at least. Its
        prior is p(x^{n-1} | xⁿ); recognition does not look at the top."""
        last = self.depth - 1
        biases = list(self.down_biases)
        for k in self.with_top[:-1]:
            assert self.shortcuts is not None
            biases[k] = self.down_logits(k, jnp.zeros(self.units[k + 1].shape, self.prior.dtype), top)
        return Net(
            self.units[:-1],
            self.ups[:-1],
            self.downs[:-1],
            self.generation[:-1],
            self.recognition[:-1],
            self.up_biases[:-1],
            tuple(biases[:-1]),
            self.down_logits(last, top, top),
        )
