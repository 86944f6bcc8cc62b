"""A few patterns, all equally likely: small enough that everything is known exactly."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.models.tied import Bits, TiedPair, checked, exact_gaps, exact_log_likelihood
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.tied import diagnostics
from vestige.typing import Batch, Key, Metrics


def bars_and_stripes(side: int) -> Float[np.ndarray, "patterns pixels"]:
    """All distinct images of `side` x `side` whose rows are alike or whose columns are: 2 · 2^side - 2. float32.

    **Raises:** `ValueError` for a side below 2 or above 10.
    """
    if not 2 <= side <= 10:
        raise ValueError(f"bars_and_stripes: side must be from 2 to 10, got {side}")
    found = {}
    for choice in itertools.product((0.0, 1.0), repeat=side):
        for image in (np.repeat([choice], side, axis=0), np.repeat([choice], side, axis=0).T):
            found[tuple(image.reshape(-1))] = None
    return np.asarray(list(found), np.float32)


class Patterns(AbstractTask):
    """Data that are one of these patterns, each as likely as the others; a batch draws them independently.

    Metrics, all exact, by enumeration of the hidden states, nats: `nll`, mean of -log p(x) over the patterns;
    `negative_elbo`; and `consistency_gap`, KL(q(h | x) ‖ p(h | x)), the difference of the two; `gap_by_layer`. There
    is nothing held out.

    **Raises:** `ValueError` where patterns are not bits.
    """

    patterns: Float[Array, "patterns pixels"]

    def __check_init__(self):
        checked(Bits(self.patterns.shape[1]), self.patterns, "patterns")

    @property
    def train(self) -> Float[Array, "patterns pixels"]:
        """The patterns: what a model learns from."""
        return self.patterns

    @property
    def train_labels(self) -> None:
        """There are none."""
        return None

    @property
    def image(self) -> tuple[int, int]:
        """Height and width of a pattern, which is square."""
        side = round(self.patterns.shape[1] ** 0.5)
        return side, side

    def batch(self, *, size: int, key: Key) -> Batch:
        return Batch(self.patterns[jax.random.randint(key, (size,), 0, self.patterns.shape[0])])

    def evaluate(self, model: TiedPair, *, size: int, key: Key) -> Metrics:
        net = model.resolve()
        nll = -jnp.mean(exact_log_likelihood(net, self.patterns))
        by_layer = jnp.mean(exact_gaps(net, self.patterns), axis=0)
        gap = jnp.sum(by_layer)
        return {"nll": nll, "negative_elbo": nll + gap, "consistency_gap": gap, "gap_by_layer": by_layer}

    def diagnostics(self, model: TiedPair, *, size: int, key: Key) -> Evaluation:
        """The exact metrics, of p* too, whatever the size, and pictures."""
        return diagnostics.of_patterns(self, model, key=key)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        count = self.patterns.shape[0]
        frequencies = np.clip(np.asarray(self.patterns).mean(axis=0), 1e-6, 1 - 1e-6)
        alone = -np.sum(frequencies * np.log(frequencies) + (1 - frequencies) * np.log(1 - frequencies))
        return {"nll": {"best": float(np.log(count)), "chance": float(alone)}}
