"""A classifier that is trained as usual, and then believed or not."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.models.tied import (
    AbstractRecognition,
    PlainForward,
    Reliability,
    Sampled,
    VariancePropagation,
    from_mlp,
    reliability,
)
from vestige.numerics import batched_map, require_support
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.tied.labels import check_labels, check_numbers
from vestige.typing import Batch, Key, Metrics

AT_ONCE = 250


class Opinion(NamedTuple):
    """Of one way to compute class probabilities, on the same images."""

    probabilities: Float[Array, "rows classes"]
    labels: Int[Array, " rows"]

    @property
    def reliability(self) -> Reliability:
        """Confidence against accuracy."""
        return reliability(self.probabilities, self.labels)


class CalibratedDigits(AbstractTask):
    """Images in [0, 1] with labels, for a network of sigmoid hidden layers (`eqx.nn.MLP`) whose outputs are logits.

    Evaluated as it is (AP1, the forward pass) and, without retraining, as the stochastic network of bits that it
    approximates: by variance propagation (AP2) and by sampling its hidden units. Metrics, on `size` held-out images:
    `error`, `label_nll` (nats) and `ece` of AP1, the same with `_ap2` and `_sampled`; `variation_ap1` and
    `variation_ap2`, total variation of their class probabilities from the sampled ones.

    **Raises:** `ValueError` where images are not within 0 to 1, or there are not as many labels as images, all of the
    classes.
    """

    train: Float[Array, "rows pixels"]
    train_labels: Float[Array, "labelled classes"]
    test: Float[Array, "more pixels"]
    test_labels: Int[Array, " more_labelled"]
    passes: int = eqx.field(static=True, default=200)

    def __check_init__(self):
        for part, images in (("train", self.train), ("test", self.test)):
            require_support(
                images,
                lambda pixel: (pixel >= 0) & (pixel <= 1),
                owner="CalibratedDigits",
                expected=f"pixels of {part} must be within 0 to 1",
            )
        check_labels("CalibratedDigits", "train", self.train, self.train_labels)
        check_labels("CalibratedDigits", "test", self.test, self.test_labels)
        check_numbers("CalibratedDigits", self.test_labels, self.train_labels.shape[1])

    def batch(self, *, size: int, key: Key) -> Batch:
        rows = jax.random.randint(key, (size,), 0, self.train.shape[0])
        return Batch(self.train[rows], self.train_labels[rows])

    def opinions(self, model: eqx.nn.MLP, *, size: int, key: Key) -> dict[str, Opinion]:
        """By `ap1`, `ap2` and `sampled`."""
        net = from_mlp(model).resolve()
        key_rows, key_noise = jax.random.split(key)
        held_out = self.test.shape[0]
        rows = jax.random.permutation(key_rows, held_out)[:size] if size < held_out else jnp.arange(held_out)
        images, labels = self.test[rows], self.test_labels[rows]
        keys = jax.random.split(key_noise, images.shape[0])

        def believed(recognition: AbstractRecognition) -> Opinion:
            def one(row: tuple[Array, Key]) -> Array:
                return recognition(net, row[0], key=row[1])[-1]

            return Opinion(batched_map(one, (images, keys), at_most=AT_ONCE), labels)

        ways = {"ap1": PlainForward(), "ap2": VariancePropagation(), "sampled": Sampled(self.passes)}
        return {name: believed(way) for name, way in ways.items()}

    def evaluate(self, model: eqx.nn.MLP, *, size: int, key: Key) -> Metrics:
        found = self.opinions(model, size=size, key=key)
        truth = found["sampled"].probabilities
        metrics = {}
        for name, opinion in found.items():
            ending = "" if name == "ap1" else f"_{name}"
            probabilities, labels = opinion
            metrics[f"error{ending}"] = jnp.mean(jnp.argmax(probabilities, axis=1) != labels)
            right = jnp.take_along_axis(probabilities, labels[:, None], axis=1)
            metrics[f"label_nll{ending}"] = -jnp.mean(jnp.log(jnp.maximum(right, jnp.finfo(right.dtype).tiny)))
            metrics[f"ece{ending}"] = opinion.reliability.ece
            if name != "sampled":
                metrics[f"variation_{name}"] = 0.5 * jnp.mean(jnp.sum(jnp.abs(probabilities - truth), axis=1))
        return metrics

    def diagnostics(self, model: eqx.nn.MLP, *, size: int, key: Key) -> Evaluation:
        """Metrics on all held-out images, whatever the size, and the diagrams of reliability."""
        count = self.test.shape[0]
        metrics = scalars(evaluate(self, model, count, key=key))
        opinions = eqx.filter_jit(lambda t, m, k: t.opinions(m, size=count, key=k))(self, model, key)
        arrays = {f"reliability_{name}": np.stack(opinion.reliability) for name, opinion in opinions.items()}
        return Evaluation(metrics, {}, self.bounds(metrics), arrays)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        counts = np.bincount(np.asarray(self.test_labels), minlength=self.train_labels.shape[1])
        chance = 1 - float(counts.max() / counts.sum())
        return {
            name: {"best": 0.0, "chance": chance} if name.startswith("error") else {"best": 0.0}
            for name in metrics
            if name.startswith(("error", "ece"))
        }
