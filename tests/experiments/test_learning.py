"""A model that was really trained: its recall comes from the memory and from nothing else (check 14)."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.experiments import Experiment
from vestige.models.temporal import elbo
from vestige.models.temporal.specs import TemporalSpec
from vestige.tasks.frame_specs import PerfectRecallSpec
from vestige.training import fit
from vestige.typing import Batch

L, K, ROWS = 5, 3, 128
MODEL = TemporalSpec(latent_size=8, controller_size=48, width=48)
EXPERIMENT = Experiment(PerfectRecallSpec(l=L, k=K), MODEL, steps=2000, batch_size=32)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained():
    built = EXPERIMENT.build(seed=1)
    result = fit(
        built.model,
        built.task,
        rule=built.rule,
        optimiser=built.optimiser,
        steps=EXPERIMENT.steps,
        batch_size=EXPERIMENT.batch_size,
        key=built.key,
    )
    return built.task, result.model


@eqx.filter_jit
def kl_per_frame(model, frames, key):
    keys = jax.random.split(key, len(frames))
    return jax.vmap(lambda x, k: elbo(model, Batch(x), key=k)[1]["kl_per_frame"])(frames, keys).mean(0)


@pytest.fixture(scope="module")
def kl(trained):
    task, model = trained
    return np.asarray(kl_per_frame(model, task.held_out(size=ROWS, key=jax.random.key(5)).inputs, jax.random.key(6)))


def test_recall_is_nearly_free(kl):
    assert kl[L:].mean() < 0.35 * kl[:L].mean()
    assert kl[:L].min() > 1.0


def test_frames_that_will_be_recalled_carry_more(kl):
    """One nat spent there serves two reconstructions."""
    assert kl[:K].mean() > kl[K:L].mean()


def test_another_sequences_memory_is_worth_nothing(trained, kl):
    task, model = trained
    frames = task.held_out(size=ROWS, key=jax.random.key(5)).inputs
    keys = jax.random.split(jax.random.key(6), ROWS)

    @eqx.filter_jit
    def recall(model, shift):
        past = jax.vmap(lambda x, k: model.filter(x[:L], key=k).state)(frames, keys)
        swapped = past._replace(memory=jax.tree.map(lambda leaf: jnp.roll(leaf, shift, axis=0), past.memory))

        def follow(state, x, k):
            seen = model.filter(x[L:], state=state, key=k)
            return seen.posterior.kl(seen.prior)

        return jax.vmap(follow)(swapped, frames, keys).mean()

    own, foreign = float(recall(model, 0)), float(recall(model, 1))
    np.testing.assert_allclose(own, kl[L:].mean(), rtol=1e-3)
    assert foreign > kl[:L].mean()


def test_nothing_drops_where_nothing_repeats(trained, kl):
    task, model = trained
    control = dataclasses.replace(task, control=True)
    frames = control.held_out(size=ROWS, key=jax.random.key(7)).inputs
    fresh = np.asarray(kl_per_frame(model, frames, jax.random.key(8)))
    assert fresh[L:].min() > kl[:L].mean()
    np.testing.assert_allclose(fresh[:L], kl[:L], rtol=0.1)
