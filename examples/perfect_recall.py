"""Perfect recall, small: ten digits, then the first five of them again. What was stored must cost nothing."""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from vestige.data import DATASETS
from vestige.memory import Introspection
from vestige.models.temporal import elbo, gtmm
from vestige.rules import Gradient
from vestige.tasks import ImagePool, PerfectRecall
from vestige.training import fit


def pool(split):
    """8x8 digits that come with scikit-learn."""
    images = DATASETS["digits"].load(split)
    return ImagePool(jnp.asarray(images.images), jnp.asarray(images.labels))


key_model, key_fit, key_test = jax.random.split(jax.random.key(0), 3)
task = PerfectRecall(pool("train"), pool("test"), l=10, k=5)
model = gtmm(
    task.train.frame_shape,
    memory=partial(Introspection, slots=task.frames),
    latent_size=12,
    controller_size=96,
    width=64,
    key=key_model,
)
result = fit(model, task, rule=Gradient(elbo), optimiser=optax.adam(1e-3), steps=600, key=key_fit)
metrics = task.evaluate(result.model, size=256, key=key_test)
print(f"a new image costs {metrics['kl_fresh']:.2f} nats, a recalled one {metrics['kl_recall']:.2f}")
