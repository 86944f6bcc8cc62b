"""A memory of one's own, a delay line, beside no memory at all: same task, same rule, same driver."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.data import DATASETS
from vestige.memory import AbstractMemory
from vestige.models.temporal import elbo, gtmm, vrnn
from vestige.rules import Gradient
from vestige.tasks import ImagePool, PerfectRecall
from vestige.training import fit


class DelayLine(AbstractMemory[jax.Array]):
    """The context is the latent of `delay` steps ago (zeros before that), and the controller's output."""

    latent_size: int = eqx.field(static=True)
    delay: int = eqx.field(static=True)
    context_size: int = eqx.field(static=True)

    def __init__(self, latent_size, controller_size, *, delay, key):
        self.latent_size, self.delay = latent_size, delay
        self.context_size = latent_size + controller_size

    def init(self):
        return jnp.zeros((self.delay, self.latent_size))

    def write(self, state, z, h):
        return jnp.concatenate([state[1:], z[None]])

    def read(self, state, h):
        return jnp.concatenate([state[0], h]), state, {}


def pool(split):
    """8x8 digits that come with scikit-learn."""
    images = DATASETS["digits"].load(split)
    return ImagePool(jnp.asarray(images.images), jnp.asarray(images.labels))


task = PerfectRecall(pool("train"), pool("test"), l=10, k=5)
sizes = {"latent_size": 12, "controller_size": 96, "width": 64}
models = {
    "delay line": gtmm(task.train.frame_shape, memory=partial(DelayLine, delay=task.l), key=jax.random.key(0), **sizes),
    "no memory": vrnn(task.train.frame_shape, key=jax.random.key(0), **sizes),
}
for name, model in models.items():
    result = fit(model, task, rule=Gradient(elbo), optimiser=optax.adam(1e-3), steps=400, key=jax.random.key(1))
    metrics = task.evaluate(result.model, size=256, key=jax.random.key(2))
    print(f"{name}: new {metrics['kl_fresh']:.2f} nats, recalled {metrics['kl_recall']:.2f} nats")
