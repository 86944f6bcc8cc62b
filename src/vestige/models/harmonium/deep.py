"""A stack of harmoniums of which the top one is recurrent."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families import AbstractExponentialFamily, AbstractFamily, Bernoulli, bits
from vestige.models.filters.contract import AbstractFilter
from vestige.models.harmonium.likelihood import AbstractLikelihood
from vestige.models.harmonium.model import Harmonium
from vestige.models.harmonium.recurrent import START, RecurrentHarmonium, backwards, exponential
from vestige.typing import Key, PyTree


class Stack(eqx.Module):
    """Static harmoniums, each on the hidden means of the one below, and the harmonium on top of them."""

    below: tuple[Harmonium, ...]
    top: Harmonium

    def contrast(
        self, value: PyTree[Array], *, sweeps: int, noise: float = 0.0, sampled: bool = False, key: Key
    ) -> Float[Array, ""]:
        """The sum of the layers' own: no gradient crosses a layer, each takes what is below it for data."""
        keys = jax.random.split(key, len(self.below) + 1)
        state, seen = value if isinstance(value, tuple) else (None, value)
        total = jnp.zeros((), seen.dtype)
        for layer, k in zip(self.below, keys, strict=False):
            total = total + layer.contrast(seen, sweeps=sweeps, noise=noise, sampled=sampled, key=k)
            seen = jax.lax.stop_gradient(jax.nn.sigmoid(layer.logits(seen)))
        last = seen if state is None else (state, seen)
        return total + self.top.contrast(last, sweeps=sweeps, noise=noise, sampled=sampled, key=keys[-1])

    def sparsity(self, value: PyTree[Array], activity: float | Float[Array, ""]) -> Float[Array, ""]:
        """The sum of the layers' own, as `contrast`."""
        state, seen = value if isinstance(value, tuple) else (None, value)
        total = jnp.zeros((), seen.dtype)
        for layer in self.below:
            total = total + layer.sparsity(seen, activity)
            seen = jax.lax.stop_gradient(jax.nn.sigmoid(layer.logits(seen)))
        return total + self.top.sparsity(seen if state is None else (state, seen), activity)


class DeepHarmonium(AbstractFilter):
    """Static harmoniums below, a recurrent one on top: what is seen goes up as means, layer by layer.

    All layers learn at once, each from what the one below makes of the data. (rbmish trains them one after the other;
    its top layer alone is recurrent as here.)

    **Arguments:**

    - `family`: of the observation.
    - `widths`: hidden units of each layer from the lowest up; the last is the state's.
    - `likelihood`: of the top layer; by default annealed.

    **Raises:** `ValueError` for fewer than two layers, a layer without units, or a family that is not exponential.
    """

    below: tuple[Harmonium, ...]
    families: tuple[AbstractExponentialFamily, ...]
    """Of what each of them sees."""
    top: RecurrentHarmonium

    def __init__(
        self,
        family: AbstractFamily,
        widths: tuple[int, ...],
        *,
        likelihood: AbstractLikelihood | None = None,
        key: Key,
    ):
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(f"DeepHarmonium: widths must be two or more, each at least 1, got {widths}")
        keys = jax.random.split(key, len(widths))
        means = [Bernoulli(width, graded=True) for width in widths[:-1]]
        *lower, highest = [exponential(family, "DeepHarmonium"), *means]
        self.families = tuple(lower)
        self.below = tuple(
            Harmonium(START * jax.random.normal(k, (f.naturals, width)), jnp.zeros(f.naturals), jnp.zeros(width), f)
            for f, width, k in zip(lower, widths[:-1], keys[:-1], strict=True)
        )
        self.top = RecurrentHarmonium(highest, widths[-1], likelihood=likelihood, key=keys[-1])

    @property
    def in_part(self) -> bool:
        """Never, as of its top."""
        return False

    def init(self) -> Float[Array, " hidden"]:
        return self.top.init()

    def up(self, observation: Float[Array, " observed"]) -> Float[Array, " _"]:
        """The hidden means of the layer below the top."""
        for layer in self.below:
            observation = jax.nn.sigmoid(layer.logits(observation))
        return observation

    def down(self, hidden: Float[Array, " _"]) -> Float[Array, " observed"]:
        """The mean observation that belongs to hidden means of that layer."""
        for layer, family in zip(reversed(self.below), reversed(self.families), strict=True):
            hidden = family.mean(layer.natural(hidden))
        return hidden

    def joint(self) -> Stack:
        return Stack(self.below, self.top.joint())

    def given(self, state: Float[Array, " hidden"]) -> Stack:
        return Stack(self.below, self.top.given(state))

    def advance(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        return self.top.advance(state, self.up(observation))

    def features(self, state: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
        return state

    def reconstruct(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        return self.down(self.top.reconstruct(state))

    def predict(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        return self.down(self.top.predict(state, key=key))

    def draw(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """Bits of the layer below the top, then down layer by layer, each drawn given the one above."""
        key_top, *keys = jax.random.split(key, len(self.below) + 1)
        hidden = self.top.draw(state, key=key_top)
        for layer, family, k in zip(reversed(self.below), reversed(self.families), keys, strict=True):
            hidden = family.draw(layer.natural(hidden), key=k)
        return hidden

    def log_predictive(
        self, previous: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> Float[Array, ""]:
        """A lower bound from one draw: the layers below cost log q(v | h) - log r(h | v) each, the top its own
        log q(y | u), which is annealed."""
        keys = jax.random.split(key, len(self.below) + 1)
        total = jnp.zeros((), observation.dtype)
        for layer, family, k in zip(self.below, self.families, keys, strict=False):
            logits = layer.logits(observation)
            hidden = bits(logits, key=k)
            total = total + family.log_prob(layer.natural(hidden), observation)
            total = total - Bernoulli(logits.shape[0]).log_prob(logits, hidden)
            observation = hidden
        return total + self.top.log_predictive(previous, observation, key=keys[-1])

    def sampled_backwards(
        self, state: Float[Array, " hidden"], steps: int, *, key: Key
    ) -> tuple[Float[Array, "steps hidden"], Float[Array, "steps observed"]]:
        """States of the top and mean observations that may have come before a state, oldest first; see `backwards`."""
        states, seen = backwards(self.top, state, steps, key=key)
        return states, jax.vmap(self.down)(seen)

    def receptive_fields(self) -> Float[Array, "units naturals"]:
        """The weights through which each unit of the lowest layer sees the observation."""
        return self.below[0].weights.T
