"""From the options of a calibration to what a run needs, and what it came to."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.experiments.contract import Built, Findings
from vestige.experiments.tied.calibration import Calibration
from vestige.experiments.tied.images import binary, parts
from vestige.rules import Gradient
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.tied import CalibratedDigits, indicators
from vestige.typing import Batch, Key, Metrics


def label_likelihood(model: eqx.nn.MLP, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
    """log of the probability of the label: an `Objective`."""
    assert example.targets is not None
    value = jnp.sum(example.targets * jax.nn.log_softmax(model(example.inputs)))
    return value, {"label_nll": -value}


def build(options: Calibration, *, seed: int) -> Built:
    """A sigmoid network, digits, back-propagation."""
    key_model, key_run = jax.random.split(jax.random.key(seed))
    if options.binary:
        (train, labels), (test, test_labels) = binary(options.source)
    else:
        (train, labels), (test, test_labels) = (
            (images.astype(np.float32) / 255, kinds) for images, kinds in parts(options.source)
        )
    task = CalibratedDigits(
        jnp.asarray(train.reshape(len(train), -1)),
        jnp.asarray(indicators(labels, 10)),
        jnp.asarray(test.reshape(len(test), -1)),
        jnp.asarray(test_labels),
        options.passes,
    )
    model = eqx.nn.MLP(task.train.shape[1], 10, options.width, options.depth, activation=jax.nn.sigmoid, key=key_model)
    rule = Gradient(label_likelihood, clip=None)
    return Built(model, task, rule, options.optimiser.build(options.steps), key_run)


def examine(task: CalibratedDigits, model: eqx.nn.MLP, *, key: Key) -> Findings:
    """Metrics on all held-out images, and the diagrams of reliability."""
    size = len(task.test)
    metrics = scalars(evaluate(task, model, size, key=key))
    opinions = eqx.filter_jit(lambda t, m, k: t.opinions(m, size=size, key=k))(task, model, key)
    arrays = {f"reliability_{name}": np.stack(opinion.reliability) for name, opinion in opinions.items()}
    return Findings(metrics, {}, task.bounds(metrics), arrays)
