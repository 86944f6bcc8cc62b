from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import pytest

from tests.training.in_threads import Store
from vestige.rules import Gradient
from vestige.tasks import AbstractTask
from vestige.training import processes
from vestige.training.processes import Processes
from vestige.typing import Batch


class Net(eqx.Module):
    """A small regression network, quick to compile."""

    layers: eqx.nn.MLP

    def __call__(self, x):
        return self.layers(x)


def squared(model, example, *, key):
    noise = 0.01 * jax.random.normal(key, (3,))
    error = jnp.mean((model(example.inputs + noise) - example.targets) ** 2)
    return -error, {"error": error}


class Sums(AbstractTask):
    """Learn the sum of three numbers. `poison` makes every input of one update not a number."""

    scale: jax.Array
    poison: jax.Array

    def batch(self, *, size, key):
        x = jax.random.normal(key, (size, 3)) * self.scale
        return Batch(x, jnp.sum(x, axis=-1, keepdims=True))

    def evaluate(self, model, *, size, key):
        batch = self.batch(size=size, key=key)
        error = jnp.mean((jax.vmap(model)(batch.inputs) - batch.targets) ** 2)
        return {"error": error, "curve": jnp.zeros(3)}

    def bounds(self, metrics):
        return {"error": {"best": 0.0}}


@pytest.fixture
def parts():
    """Arguments of `fit` for a run of a second."""
    return {
        "model": Net(eqx.nn.MLP(3, 1, 8, 1, key=jax.random.key(1))),
        "task": Sums(jnp.ones(()), jnp.zeros((), jnp.int32)),
        "rule": Gradient(squared),
        "optimiser": optax.adam(1e-2),
        "key": jax.random.key(2),
        "batch_size": 8,
    }


@pytest.fixture
def teams(monkeypatch):
    """Three processes."""
    import jax._src.distributed as private

    monkeypatch.setattr(private, "global_state", SimpleNamespace(client=Store()))
    monkeypatch.setattr(jax, "process_count", lambda: 3)
    monkeypatch.setattr(processes, "SLICE_SECONDS", 0.05)
    monkeypatch.setattr(processes, "FAULT_SECONDS", 0.2)
    found = []
    for rank in range(3):
        monkeypatch.setattr(jax, "process_index", lambda rank=rank: rank)
        found.append(Processes())
    return found
