# %% [markdown]
# # Add a part of your own
#
# You have an idea for a memory. In Vestige it is one class, one specification and one line of registration; then every command
# knows it by name, and a comparison with what exists is one option. This page adds a memory of running averages and finds
# out whether it is any good.
#
# ## The class
#
# A memory has three methods. `init` gives the empty state, `write` stores a latent `z`, `read` returns a context for the
# prior, the state, and a dictionary of arrays for the report. All are written for one example; batches are made by `vmap`.
# Save this as `leaky.py`.

# %% [file]
# leaky.py
"""A memory: running averages of the latents, each twice as slow as the one before."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

import vestige
from vestige.memory import AbstractMemory, MemorySpec


class Leaky(AbstractMemory):
    """m_i <- d_i m_i + (1 - d_i) z with d_i = 1 - 2^-i; a read gives all averages and the controller's output."""

    paces: int = eqx.field(static=True)
    latent_size: int = eqx.field(static=True)
    context_size: int = eqx.field(static=True)

    def __init__(self, latent_size, controller_size, *, paces=3):
        self.paces, self.latent_size = paces, latent_size
        self.context_size = paces * latent_size + controller_size

    def init(self):
        return jnp.zeros((self.paces, self.latent_size))

    def write(self, state, z, h):
        decay = 1 - 0.5 ** jnp.arange(1, self.paces + 1, dtype=z.dtype)[:, None]
        return decay * state + (1 - decay) * z[None]

    def read(self, state, h):
        return jnp.concatenate([state.reshape(-1), h]), state, {}


@dataclasses.dataclass(frozen=True)
class LeakySpec(MemorySpec):
    """Running averages of the latents."""

    paces: int = 3
    """How many averages, each twice as slow as the one before."""

    part: ClassVar[str] = "leaky:Leaky"

    def build(self, latent_size, controller_size, *, frames, key):
        return self.make(latent_size, controller_size)


vestige.register("memory", "leaky", LeakySpec)

# %% [markdown]
# The specification states options, defaults and their help once. It imports no JAX when it is read, so that `--help` is quick.
#
# ## A known answer first
#
# Before a part is trained it is tested against something you can compute by hand. Two writes of one number:

# %%
import jax
import jax.numpy as jnp
import leaky

memory = leaky.Leaky(1, 2, paces=2)
state = memory.init()
for z in (4.0, 8.0):
    state = memory.write(state, jnp.array([z]), jnp.zeros(2))
print(state.ravel())  # 0.5 * (0.5 * 4) + 0.5 * 8 = 5 and 0.75 * (0.25 * 4) + 0.25 * 8 = 2.75

# %% [markdown]
# ## On the command line
#
# `--plugin` names a module in the current folder. An installed package needs no option: see
# [parts of your own](../extend.md).

# %% [sh]
# vestige list memory --plugin leaky

# %% [markdown]
# ## Beside what exists
#
# Perfect recall: ten images, then the first five again. `choose` exchanges one part and leaves everything else, and the width
# of the controller is set so that all memories have the same number of parameters.

# %%
import equinox as eqx

import vestige
from vestige.training import fit

experiment = vestige.registry("experiment")["perfect-recall"].preset("small")
evaluate = eqx.filter_jit(lambda task, model, key: task.evaluate(model, size=64, key=key))
found = {}
for name in ("leaky", "introspection"):
    model, task, rule, optimiser, key, _ = experiment.choose({"model.memory": name}).build(seed=0)
    trained = fit(model, task, rule=rule, optimiser=optimiser, steps=600, batch_size=32, key=key).model
    found[name] = evaluate(task, trained, jax.random.key(1))

print(f"{'nats':15}{'new frames':>12}{'repeated frames':>18}")
for name, metrics in found.items():
    print(f"{name:15}{metrics['kl_fresh']:12.2f}{metrics['kl_recall']:18.2f}")
print(f"{'no memory':15}{'':12}{found['introspection']['kl_fresh']:18.2f}  at least: every frame is new to it")
print(f"{'best possible':15}{'':12}{0:18.2f}")

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(num="KL of each frame with running averages and with a buffer of latents")
for name, metrics in found.items():
    axis.plot(range(1, 16), metrics["kl_per_frame"], "o-", label=name)
axis.axvspan(10.5, 15.5, color="0.92")
axis.set(xlabel="frame", ylabel="KL, nats", ylim=0, title="the grey frames repeat the first five")
axis.legend()

# %% [markdown]
# An average cannot say which image came when: the idea is no good for this task, and one run of a minute says so. The buffer of
# latents, which reads by position, is what the task needs. The same with seeds and a page, on the command line:
# `vestige compare perfect-recall --plugin leaky --vary memory=none,leaky,introspection --seeds 3`.
#
# Rules, cells, tasks, estimators, metrics and twelve other kinds of parts are added in the same way: see [parts of your
# own](../extend.md), with a working file for each.
#
# ## When this is the wrong tool
#
# - **A memory for your own training loop only.** Then the class alone does: `gtmm(…, memory=partial(Leaky, paces=3))`, as in
#   [the idea](../idea.md#your-own-memory). No specification, no name.
# - **Something that is no memory.** A part that reads the future, or needs the whole sequence, does not fit this contract.
#   Write a model instead.
# - **Another framework.** Parts are Equinox modules. Flax or PyTorch modules have to be translated.

# %% [check]
assert jnp.allclose(state.ravel(), jnp.array([5.0, 2.75]))
assert found["introspection"]["kl_recall"] < 0.5 * found["introspection"]["kl_fresh"]
assert found["leaky"]["kl_recall"] > 2 * found["introspection"]["kl_recall"]
