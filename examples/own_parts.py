"""An objective, a rule and a task of one's own, together in one run."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from vestige.memory import Introspection
from vestige.models.temporal import elbo, gtmm
from vestige.rules import AbstractRule, Gradient, Step
from vestige.tasks import AbstractTask
from vestige.training import fit
from vestige.typing import Batch


# --8<-- [start:objective]
def cheap_surprise(model, example, *, key):
    """The bound with surprise at half its price. Maximised; the metrics are only reported."""
    _, metrics = elbo(model, example, key=key)
    return metrics["log_likelihood"] - 0.5 * metrics["kl"], metrics


# --8<-- [end:objective]


# --8<-- [start:rule]
class Averaged(AbstractRule):
    """The moving average of another rule's updates. The average is the carry, so it survives a kill."""

    inner: AbstractRule
    decay: float = eqx.field(static=True, default=0.9)

    def init(self, model, batch, *, key):
        zeros = jax.tree.map(jnp.zeros_like, eqx.filter(model, eqx.is_inexact_array))
        return self.inner.init(model, batch, key=key), zeros

    def step(self, model, carry, batch, *, key):
        inner, average = carry
        new = self.inner.step(model, inner, batch, key=key)
        average = jax.tree.map(lambda a, g: self.decay * a + (1 - self.decay) * g, average, new.grads)
        return Step(average, (new.carry, average), new.metrics)


# --8<-- [end:rule]


# --8<-- [start:task]
class Sequences(AbstractTask):
    """Given sequences of binary frames, drawn with replacement."""

    train: Float[Array, "rows time height width"]
    test: Float[Array, "rows time height width"]

    def batch(self, *, size, key):
        return Batch(self._draw(self.train, size, key))

    def evaluate(self, model, *, size, key):
        key_rows, key_model = jax.random.split(key)
        rows, keys = self._draw(self.test, size, key_rows), jax.random.split(key_model, size)
        metrics = jax.vmap(lambda row, k: elbo(model, Batch(row), key=k)[1])(rows, keys)
        return jax.tree.map(lambda m: jnp.mean(m, axis=0), metrics)

    def bounds(self, metrics):
        return {}  # nothing is known of the best possible and of chance

    def _draw(self, rows, size, key):
        return rows[jax.random.randint(key, (size,), 0, rows.shape[0])]


# --8<-- [end:task]

# A bar that moves down by one row per frame, from a random row on: 40 sequences of 8 frames of 6x6.
start = jax.random.randint(jax.random.key(0), (40, 1), 0, 6)
frames = jax.nn.one_hot((start + jnp.arange(8)) % 6, 6)[..., None] * jnp.ones(6)
task = Sequences(frames[:30], frames[30:])
model = gtmm(
    (6, 6),
    memory=partial(Introspection, slots=8, include_controller_state=True),
    latent_size=4,
    controller_size=32,
    width=32,
    key=jax.random.key(1),
)
rule = Averaged(Gradient(cheap_surprise))
result = fit(model, task, rule=rule, optimiser=optax.adam(3e-3), steps=300, key=jax.random.key(2))
metrics = task.evaluate(result.model, size=64, key=jax.random.key(3))
print("surprise per frame, in nats:", " ".join(f"{kl:.2f}" for kl in metrics["kl_per_frame"]))
