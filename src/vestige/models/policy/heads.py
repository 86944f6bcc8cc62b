"""Actor and critic."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.layers import rectified
from vestige.typing import Key

QUIET = 0.01  # scale of the actor's last layer: all actions begin almost equally likely


class Opinion(NamedTuple):
    """What a policy thinks of one step."""

    logits: Float[Array, " actions"]
    """Of the actions."""
    value: Float[Array, ""]
    """The expected discounted return."""


class Policy(eqx.Module):
    """Actor and critic, nothing shared: each features -> `widths`, rectified -> actions, or one number.

    As in MemUP section 4.3, where both widths are 256. The actor's last layer starts a hundred times smaller, so that
    the first policy is almost uniform. Unbatched.

    **Arguments:**

    - `features_size`: width of the features.
    - `actions`: how many there are.
    - `widths`: units of the hidden layers, of the actor and of the critic.

    **Raises:** `ValueError` where there are fewer than two actions.
    """

    actor: tuple[eqx.nn.Linear, ...]
    critic: tuple[eqx.nn.Linear, ...]

    def __init__(self, features_size: int, actions: int, *, widths: Sequence[int] = (256, 256), key: Key):
        if actions < 2:
            raise ValueError(f"Policy: there must be at least 2 actions to choose from, got {actions}")
        key_actor, key_critic = jax.random.split(key)
        *below, last = _layers((features_size, *widths, actions), key=key_actor)
        quiet = eqx.tree_at(lambda layer: layer.weight, last, QUIET * last.weight)
        self.actor = (*below, quiet)
        self.critic = _layers((features_size, *widths, 1), key=key_critic)

    def __call__(self, features: Float[Array, " features"]) -> Opinion:
        return Opinion(_through(self.actor, features), _through(self.critic, features)[0])


def _layers(sizes: tuple[int, ...], *, key: Key) -> tuple[eqx.nn.Linear, ...]:
    keys = jax.random.split(key, len(sizes) - 1)
    return tuple(rectified(size, after, key=k) for size, after, k in zip(sizes, sizes[1:], keys, strict=False))


def _through(layers: tuple[eqx.nn.Linear, ...], features: Array) -> Array:
    for layer in layers[:-1]:
        features = jnp.maximum(layer(features), 0.0)
    return layers[-1](features)
