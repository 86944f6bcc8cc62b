"""Where the hidden states of the wake phase come from."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.tied import Net, States
from vestige.typing import Key


class AbstractProposal(eqx.Module):
    """Draws x¹ … xⁿ for data, and knows the probability of what it drew. One example."""

    @abc.abstractmethod
    def __call__(
        self, net: Net, data: Float[Array, "*units"], top: Float[Array, "*top"], known: Bool[Array, ""], *, key: Key
    ) -> tuple[States, Float[Array, ""]]:
        """Draw the hidden layers for one example.

        **Arguments:**

        - `net`: the pair of networks.
        - `data`: shaped like the lowest layer.
        - `top`: shaped like the highest layer: the label, as the value of that layer.
        - `known`: whether the label counts; then the top is `top` and is not drawn.

        **Returns:** the states of all layers, the data first, and the log-probability of what was drawn, in nats.
        """


class Upward(AbstractProposal):
    """The recognition network as it is: it does not look at the label."""

    def __call__(
        self, net: Net, data: Float[Array, "*units"], top: Float[Array, "*top"], known: Bool[Array, ""], *, key: Key
    ) -> tuple[States, Float[Array, ""]]:
        states = net.recognise(data, key=key)
        states = (*states[:-1], jnp.where(known, top, states[-1]))
        terms = net.log_q_terms(states)
        return states, jnp.sum(terms[:-1]) + jnp.where(known, 0.0, terms[-1])


class Guided(AbstractProposal):
    """The recognition network, with the label's own prediction of every layer added to its input where there is one.

    Input of layer k: upward logits + gain · (downward logits of the means that this label gives - their mean over
    labels under the prior). The difference is what the label says beyond what the upward bias already holds, as in a
    deep Boltzmann machine (notes, sections 3.2 and 6.3). A label thus reaches all layers by the generation weights,
    without back-propagation; probabilities of the draws are exact, so weighting by them is too. One more downward pass
    for each class. For a top of classes.

    **Arguments:**

    - `gain`: 1 would be right where the rest of the net said nothing; what the data say already is counted twice then,
      hence less.
    - `layers`: how many hidden layers are guided, from the top; None: all.

    **Raises:** `ValueError` where `layers` is below 1.
    """

    gain: float = eqx.field(static=True, default=0.3)
    layers: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.layers is not None and self.layers < 1:
            raise ValueError(f"Guided: layers must be at least 1 or None, got {self.layers}")

    def __call__(
        self, net: Net, data: Float[Array, "*units"], top: Float[Array, "*top"], known: Bool[Array, ""], *, key: Key
    ) -> tuple[States, Float[Array, ""]]:
        said = self._said(net, top)
        states, total = [data], jnp.zeros((), data.dtype)
        for k in range(1, net.depth + 1):
            logits = net.up_logits(k, states)
            if k in said:
                logits = logits + jnp.where(known, self.gain * said[k], 0.0)
            value = net.units[k].sample(logits, key=jax.random.fold_in(key, k))
            log_q = net.units[k].log_prob(value, logits)
            if k == net.depth:
                value, log_q = jnp.where(known, top, value), jnp.where(known, 0.0, log_q)
            states.append(value)
            total = total + log_q
        return tuple(states), total

    def _said(self, net: Net, top: Float[Array, "*top"]) -> dict[int, Array]:
        """Of every hidden layer, the logits that this label gives, less their mean over labels."""
        classes = jnp.eye(net.units[-1].size, dtype=net.prior.dtype)
        prior = net.units[-1].mean(net.prior)
        found, means = {}, classes
        lowest = 1 if self.layers is None else max(1, net.depth - self.layers)
        for k in reversed(range(lowest, net.depth)):
            logits = jax.vmap(lambda above, top, k=k: net.down_logits(k, above, top))(means, classes)
            found[k] = jnp.tensordot(top - prior, logits, axes=1)
            means = jax.vmap(net.units[k].mean)(logits)
        return found
