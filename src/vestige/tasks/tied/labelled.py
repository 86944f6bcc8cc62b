"""Binary images with labels: to be recognised, generated, completed."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from vestige.data.tables import Cells
from vestige.data.tables.writing import numbers
from vestige.models.tied import (
    Bits,
    Net,
    OneHot,
    TiedPair,
    checked,
    inpainted,
    reconstructed,
)
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.programs import Program
from vestige.tasks.samples import Sampled, no_sequences
from vestige.tasks.tied import diagnostics
from vestige.tasks.tied.classify_program import classify_program
from vestige.tasks.tied.labels import check_labels, check_numbers, drawn_batch, some_of
from vestige.tasks.tied.measures import of_classes, of_data
from vestige.typing import Batch, Key, Metrics


class LabelledImages(AbstractTask):
    """Images of bits with a class each; of training images the class may be hidden.

    Metrics on `size` held-out images (all, if there are no more; otherwise some, drawn anew by the key):

    - `nll`: -log p(x), classes summed out, by importance sampling with `samples` draws from the recognition network: an
      upper bound in the mean; nats. `ess`: their mean effective sample size.
    - `negative_elbo`: -E_q [log p - log q]; `consistency_gap`: the difference, KL(q(h | x) ‖ p(h | x)); nats.
    - `reconstruction`: Bernoulli cross entropy of the means of an up-down pass; nats.
    - `inpainting`: part of the pixels of the lower half that are completed wrongly, given the upper half.
    - where the top is classes: `error`, of decisions by the plain forward pass (AP1), `error_ap2`, `error_sampled`,
      `error_generative` (argmax_y p(x, y) by importance sampling); `ece` of AP1, `ece_ap2`, `ece_sampled`;
      `round_trip`: how often data generated for a class are recognised as that class.

    **Fields:** `train`, `test`: images, rows first, as the model's layer 0 wants them. `train_labels`: indicators,
    zeros where hidden; None: there are none. `test_labels`: numbers. `image`: (height, width), for pictures.
    `samples`: K. `sweeps`: of inpainting.

    **Raises:** `ValueError` where images are not bits, or there are not as many labels as images, all of the classes.
    """

    train: Float[Array, "rows *units"]
    train_labels: Float[Array, "labelled classes"] | None
    test: Float[Array, "more *units"]
    test_labels: Int[Array, " more_labelled"]
    image: tuple[int, int] = eqx.field(static=True)
    samples: int = eqx.field(static=True, default=200)
    sweeps: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        if self.samples < 1:
            raise ValueError(f"LabelledImages: samples (K) must be at least 1, got {self.samples}")
        for name, images in (("train", self.train), ("test", self.test)):
            checked(Bits(*images.shape[1:]), images, name)
        check_labels("LabelledImages", "test", self.test, self.test_labels)
        if self.train_labels is None:
            return
        check_labels("LabelledImages", "train", self.train, self.train_labels)
        check_numbers("LabelledImages", self.test_labels, self.train_labels.shape[1])

    def batch(self, *, size: int, key: Key) -> Batch:
        return drawn_batch(self.train, self.train_labels, size=size, key=key)

    def evaluate(self, model: TiedPair, *, size: int, key: Key) -> Metrics:
        key_rows, key_nll, key_rest = jax.random.split(key, 3)
        net = model.resolve()
        rows = some_of(self.test.shape[0], size=size, key=key_rows)
        images, labels = self.test[rows], self.test_labels[rows]
        metrics = self._as_data(net, images, key=key_nll)
        if isinstance(net.units[-1], OneHot):
            metrics |= of_classes(net, images, labels, samples=self.samples, key=key_rest)
        return metrics

    def _as_data(self, net: Net, images: Array, *, key: Key) -> dict[str, Array]:
        key_weights, key_fill = jax.random.split(key)
        metrics = of_data(net, images, samples=self.samples, key=key_weights)
        logits = jax.vmap(lambda x: reconstructed(net, x))(images)
        costs = -jax.vmap(net.units[0].log_prob)(images, logits)
        known = self.upper_half()
        fills = jax.random.split(key_fill, images.shape[0])
        filled = jax.vmap(lambda x, k: inpainted(net, x, known, sweeps=self.sweeps, key=k))(images, fills)
        wrong = (filled > 0.5) != (images > 0.5)
        missing = jnp.broadcast_to(~known, wrong.shape)
        return metrics | {
            "reconstruction": jnp.mean(costs),
            "inpainting": jnp.sum(wrong & missing) / jnp.sum(missing),
        }

    def diagnostics(self, model: TiedPair, *, size: int, key: Key) -> Evaluation:
        """Metrics on all held-out images with `10 * samples` importance samples, whatever the size, and pictures."""
        return diagnostics.of_images(self, model, key=key)

    def program(self, model: TiedPair, arrays: Mapping[str, np.ndarray] | None) -> Program | None:
        """As `vestige.experiments.protocols.ExportsProgram` says: the classes of an image, where the top is classes."""
        net = model.resolve()
        return classify_program(net, self.test[0]) if isinstance(net.units[-1], OneHot) else None

    def sampled(self, model: TiedPair, *, count: int, steps: int | None, given: int, seed: int) -> Sampled:
        """As `vestige.experiments.protocols.GeneratesSamples` says: images, and in a table their class, if there is
        one, and their pixels."""
        no_sequences(steps, given)
        net = model.resolve()
        keys = jax.random.split(jax.random.key(seed), count)
        states = eqx.filter_jit(lambda net, keys: jax.vmap(lambda key: net.generate(key=key))(keys))(net, keys)
        images = np.asarray(states[0], np.float64).reshape(count, 1, *self.image)
        none = np.zeros(count, bool)
        found = {"sample": Cells(np.arange(1, count + 1), none)}
        if isinstance(net.units[-1], OneHot):
            found["class"] = Cells(np.asarray(states[-1]).argmax(axis=1), none)
        pixels = images.reshape(count, -1).T
        return Sampled(found | {f"pixel {n}": numbers(each) for n, each in enumerate(pixels)}, pictures=images)

    def upper_half(self) -> Bool[Array, "*units"]:
        """True for the pixels that are given where half of an image is to be completed."""
        height, width = self.image
        rows = jnp.arange(height) < height // 2
        return jnp.broadcast_to(rows[:, None], (height, width)).reshape(self.train.shape[1:])

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        train, test = np.asarray(self.train, np.float64), np.asarray(self.test, np.float64)
        frequencies = (train.sum(axis=0) + 1) / (len(train) + 2)
        alone = -np.mean(
            np.sum((test * np.log(frequencies) + (1 - test) * np.log(1 - frequencies)).reshape(len(test), -1), axis=1)
        )
        levels: dict[str, Any] = {"nll": {"chance": float(alone)}}
        counts = np.bincount(np.asarray(self.test_labels))
        for name in ("error", "error_ap2", "error_sampled", "error_generative"):
            if name in metrics:
                levels[name] = {"best": 0.0, "chance": 1 - float(counts.max() / counts.sum())}
        return levels
