"""Long tasks whose outcome is a class."""

import abc
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.tasks.longterm.contract import AbstractLongTask
from vestige.typing import Metrics


class AbstractChoice(AbstractLongTask):
    """A model answers with the logits of the classes.

    **Metrics**, means over the queries: `accuracy`; `cross_entropy` in nats; `information`, the entropy of an outcome
    minus the cross-entropy, a lower bound of what memory and input say about it (MemUP section 3.2, check 11). On
    fresh sequences its expectation never exceeds the entropy, ln 8 for one symbol of eight.
    """

    @property
    @abc.abstractmethod
    def classes(self) -> int:
        """How many classes an outcome has."""

    @abc.abstractmethod
    def prior(self) -> Float[Array, " classes"]:
        """How likely each class is at a query to a model that remembers nothing.

        **Returns:** (classes,), which sum to 1.
        """

    def prediction_metrics(
        self, predictions: Float[Array, "queries classes"], outcomes: Array
    ) -> dict[str, Float[Array, " queries"]]:
        logs = jax.nn.log_softmax(predictions)
        surprise = -jnp.take_along_axis(logs, outcomes[:, None], axis=1)[:, 0]
        best = jnp.argmax(predictions, axis=1).astype(outcomes.dtype)
        return {
            "accuracy": (best == outcomes).astype(surprise.dtype),
            "cross_entropy": surprise,
            "information": _entropy(self.prior()).astype(surprise.dtype) - surprise,
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """A perfect memory is always right. Chance knows that an outcome is due and how often each class comes.

        **Arguments:**

        - `metrics`: not used.

        **Returns:** the best possible and the chance level per metric.
        """
        entropy = float(_entropy(self.prior()))
        return {
            "accuracy": {"best": 1.0, "chance": float(jnp.max(self.prior()))},
            "cross_entropy": {"best": 0.0, "chance": entropy},
            "information": {"best": entropy, "chance": 0.0},
        }


def even_odds(alternatives: int, classes: int) -> Float[Array, " classes"]:
    """The first `alternatives` of `classes` classes equally likely, the others impossible; (classes,)."""
    return jnp.where(jnp.arange(classes) < alternatives, 1.0 / alternatives, 0.0)


def _entropy(probabilities: Float[Array, " classes"]) -> Float[Array, ""]:
    return jnp.sum(jax.scipy.special.entr(probabilities))
