"""An ordinary classifier whose hidden units can be read as probabilities of bits."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.typing import Batch, Key, Metrics


def sigmoid_classifier(pixels: int, classes: int, width: int = 100, depth: int = 2, *, key: Key) -> eqx.nn.MLP:
    """`depth` hidden layers of `width` sigmoid units, and logits of classes. `from_mlp` makes a pair of it.

    **Arguments:**

    - `pixels`, `classes`: numbers of an input, and of classes.
    - `width`, `depth`: of the hidden layers.
    """
    return eqx.nn.MLP(pixels, classes, width, depth, activation=jax.nn.sigmoid, key=key)


def label_likelihood(model: eqx.nn.MLP, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
    """log of the probability of the label: an `Objective`. The metric `label_nll` is minus that, nats.

    **Arguments:**

    - `model`: from an input to logits.
    - `example`: with an indicator of the class in `targets`.
    """
    assert example.targets is not None
    value = jnp.sum(example.targets * jax.nn.log_softmax(model(example.inputs)))
    return value, {"label_nll": -value}
