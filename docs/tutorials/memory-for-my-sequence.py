# %% [markdown]
# # A memory for my sequence
#
# Your sequences repeat something they showed before: a film returns to a scene, a machine to a state, a melody to its theme.
# A recurrent network has to squeeze what it saw into its state. A model with an external memory stores it, and pays only for
# what is new. This page trains one on an array of your own, compares it with what anyone would try first, and looks inside.
#
# ## The data
#
# Any array (sequences, time, height, width) of zeros and ones will do. Ours shows ten handwritten digits of 8x8 pixels and
# then the first five of them again. Nothing says so to the model.

# %%
import numpy as np
from sklearn.datasets import load_digits

pixels = (load_digits().images >= 8).astype(np.float32)  # 1,797 images
draw = np.random.default_rng(0)


def sequences(images, count):
    """Ten images at random, then the first five of them again: (count, 15, 8, 8)."""
    first = images[draw.integers(0, len(images), (count, 10))]
    return np.concatenate([first, first[:, :5]], axis=1)


train, held_out = sequences(pixels[:1415], 4000), sequences(pixels[1415:], 500)  # other writers in each

# %% [markdown]
# ## What anyone would try first
#
# A cost in nats for each frame, summed over its 64 pixels: independent pixels with the frequencies of the training frames,
# and the same with the last frame mixed in. Lower is better.


# %%
def nats(held_out, probability):
    """Mean cost of each frame where pixels are independent with these probabilities: (time,)."""
    p = np.clip(probability, 0.01, 0.99)
    return -(held_out * np.log(p) + (1 - held_out) * np.log(1 - p)).sum(axis=(2, 3)).mean(axis=0)


average = train.mean(axis=(0, 1))
last = np.concatenate([np.broadcast_to(average, held_out[:, :1].shape), held_out[:, :-1]], axis=1)
costs = {
    "independent pixels": nats(held_out, np.broadcast_to(average, held_out.shape)),
    "mixed with the last frame": nats(held_out, 0.8 * average + 0.2 * last),
}

# %% [markdown]
# ## The task and two models
#
# A task draws batches and evaluates models. Both models are sequential variational autoencoders with an LSTM of 96 units.
# `vrnn` has no memory but its state; `gtmm` has a buffer of 15 latents beside it. All else is equal: same rule, same
# optimiser, same updates.

# %%
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.memory import Introspection
from vestige.models.temporal import elbo, gtmm, vrnn
from vestige.rules import Gradient
from vestige.tasks import AbstractTask
from vestige.training import fit
from vestige.typing import Batch


class Sequences(AbstractTask):
    """Sequences of an array, drawn with replacement."""

    train: jax.Array
    test: jax.Array

    def batch(self, *, size, key):
        return Batch(self.train[jax.random.randint(key, (size,), 0, len(self.train))])

    def evaluate(self, model, *, size, key):
        keys = jax.random.split(key, size)
        metrics = jax.vmap(lambda row, key: elbo(model, Batch(row), key=key)[1])(self.test[:size], keys)
        return jax.tree.map(lambda value: value.mean(axis=0), metrics)

    def bounds(self, metrics):
        return {}


task = Sequences(jnp.asarray(train), jnp.asarray(held_out))
sizes = {"latent_size": 12, "controller_size": 96, "width": 64}
models = {
    "no memory (VRNN)": vrnn((8, 8), key=jax.random.key(0), **sizes),
    "memory (Introspection)": gtmm((8, 8), memory=partial(Introspection, slots=15), key=jax.random.key(0), **sizes),
}
evaluate = eqx.filter_jit(lambda task, model, key: task.evaluate(model, size=256, key=key))
found = {}
for name, model in models.items():
    result = fit(model, task, rule=Gradient(elbo), optimiser=optax.adam(3e-3), steps=1000, key=jax.random.key(1))
    found[name] = evaluate(task, result.model, jax.random.key(2))
    costs[name] = np.asarray(found[name]["negative_bound_per_frame"])
trained = result.model  # the one with a memory

# %% [markdown]
# ## Was it worth it?

# %%
print(f"{'nats a frame, held out':28}{'frames 1-10, new':>18}{'11-15, repeated':>18}")
for name, cost in costs.items():
    print(f"{name:28}{cost[:10].mean():18.1f}{cost[10:].mean():18.1f}")
for name, metrics in found.items():
    print(
        f"{name}: KL of new frames {metrics['kl_per_frame'][:10].mean():.1f}, repeated {metrics['kl_per_frame'][10:].mean():.1f}"
    )

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(num="KL of each frame: with a memory it falls to nearly zero where the sequence repeats")
for name, metrics in found.items():
    axis.plot(range(1, 16), metrics["kl_per_frame"], "o-", label=name)
axis.axvspan(10.5, 15.5, color="0.92")
axis.set(
    xlabel="frame", ylabel="KL, nats", ylim=0, title="what is new in each frame; the grey ones repeat the first five"
)
axis.legend()

# %% [markdown]
# The KL of a frame is what the model pays for news. With a memory it drops where the sequence repeats; without one it does
# not, after as many updates. What remains of the cost there is the pixels that twelve numbers do not fix.
#
# `vestige run perfect-recall` trains the same for longer, and its page shows where each read goes. `vestige compare
# perfect-recall --vary memory --seeds 3` compares all six memories; [results](../results/gtmm.md) has the tables. One seed,
# as here, says little about a memory.
#
# ## When this is the wrong tool
#
# - **The repetition has a fixed lag that you know.** Then copy the frame of ten steps ago; no model is needed.
# - **Nothing repeats.** A memory costs parameters and gains nothing. The control is one option:
#   `vestige run perfect-recall --task.control`.
# - **Numbers in a table, where a forecast is wanted.** [`vestige fit`](../your-data.md#fit) is quicker and compares itself
#   with regressions.
# - **Sequences of thousands of steps.** This model stores every step for its gradient; see
#   [long-term memory](../results/memup.md).

# %% [check]
with_memory, without = found["memory (Introspection)"]["kl_per_frame"], found["no memory (VRNN)"]["kl_per_frame"]
assert with_memory[10:].mean() < 0.5 * with_memory[:10].mean()
assert with_memory[10:].mean() < 0.5 * without[10:].mean()
assert costs["memory (Introspection)"][10:].mean() < costs["independent pixels"][10:].mean()
