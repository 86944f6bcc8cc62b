"""The conformance suite of the rule contract: a new rule adds one line to RULES."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.rules.longterm import number_model, numbers
from vestige.models.tied import Bits, OneHot, tied_pair
from vestige.rules import (
    NVIL,
    VIMCO,
    BidirectionalHelmholtz,
    ChunkParallel,
    ExactLikelihood,
    Gradient,
    Guided,
    Hybrid,
    MemUP,
    RandomlyTruncated,
    ReweightedWakeSleep,
    Truncated,
    WakeSleep,
)
from vestige.typing import Batch


class Line(eqx.Module):
    """y = w x + b, the smallest model with an answer one can check by hand."""

    w: jax.Array
    b: jax.Array
    name: str = eqx.field(static=True, default="line")


def fit_quality(model, example, *, key):
    error = jnp.mean((model.w * example.inputs + model.b - example.targets) ** 2)
    return -error, {"error": error}


KEY = jax.random.key(7)


@functools.cache
def lines():
    x = np.random.default_rng(7).normal(size=(4, 6)).astype(np.float32)
    return Line(jnp.asarray(0.5), jnp.asarray(-0.3)), Batch(jnp.asarray(x), jnp.asarray(2 * x + 1)), "error"


@functools.cache
def long_sequences():
    """All over at the same step, so that any update begins where the one before did."""
    return number_model(key=KEY), numbers([6, 6, 6], key=KEY), "loss"


@functools.cache
def labelled_bits():
    """Two patterns with their labels, over and over: easily learned, whatever is drawn on the way."""
    pair = drawn(lambda key: tied_pair([Bits(6), Bits(5), OneHot(2)], key=key), scale=0.1)
    labels = np.arange(32) % 2
    data = np.where(labels[:, None] == (np.arange(6) // 3)[None], np.float32(1), np.float32(0))
    return pair, Batch(jnp.asarray(data), jnp.asarray(np.eye(2, dtype=np.float32)[labels])), "negative_elbo"


def exact_bits():
    pair, batch, _ = labelled_bits()
    return pair, batch, "nll"


RULES = {
    "gradient": (lambda: Gradient(fit_quality), lines),
    "gradient, unclipped": (lambda: Gradient(fit_quality, clip=None), lines),
    "truncated": (lambda: Truncated(6), long_sequences),
    "randomly truncated": (lambda: RandomlyTruncated(2, 0.0, longest=3), long_sequences),
    "memup": (lambda: MemUP(6, 2, average=0.9), long_sequences),
    "memup, chunk-parallel": (lambda: ChunkParallel(MemUP(3, 2, average=0.9), steps=6), long_sequences),
    "wake-sleep": (WakeSleep, labelled_bits),
    "wake-sleep, guided": (lambda: WakeSleep(Guided(), 0.5, 1.0), labelled_bits),
    "reweighted wake-sleep": (ReweightedWakeSleep, labelled_bits),
    "bidirectional": (BidirectionalHelmholtz, labelled_bits),
    "nvil": (NVIL, labelled_bits),
    "vimco": (VIMCO, labelled_bits),
    "hybrid": (lambda: Hybrid(WakeSleep()), labelled_bits),
    "exact": (ExactLikelihood, exact_bits),
}


OPTIONS = {"gradient, unclipped", "wake-sleep, guided"}
"""Of another rule: slow."""


@pytest.fixture
def model():
    return lines()[0]


@pytest.fixture
def batch():
    return lines()[1]


@functools.cache
def made(name):
    rule, setting = RULES[name]
    return rule(), *setting()


@pytest.fixture(params=[pytest.param(n, marks=pytest.mark.slow) if n in OPTIONS else n for n in RULES])
def case(request):
    """A rule, a model and a batch that fit each other, and the metric that is to fall."""
    return made(request.param)


@eqx.filter_jit
def begun(rule, model, batch, *, key):
    return rule.init(model, batch, key=key)


@pytest.mark.few(3)
def test_grads_are_shaped_like_the_parameters(case, key):
    rule, model, batch, _ = case
    step = eqx.filter_jit(rule.step)(model, begun(rule, model, batch, key=key), batch, key=key)
    parameters = eqx.filter(model, eqx.is_inexact_array)
    assert jax.tree.structure(step.grads) == jax.tree.structure(parameters)
    for grad, leaf in zip(jax.tree.leaves(step.grads), jax.tree.leaves(parameters), strict=True):
        assert grad.shape == leaf.shape
        assert grad.dtype == leaf.dtype


@pytest.mark.slow
def test_the_carry_keeps_its_form(case, key):
    """So that steps may be scanned."""
    rule, model, batch, _ = case
    carry = begun(rule, model, batch, key=key)
    after = eqx.filter_jit(rule.step)(model, carry, batch, key=key).carry
    form = lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), eqx.filter(tree, eqx.is_array_like))
    assert jax.tree.structure(after) == jax.tree.structure(carry)
    assert form(carry) == form(after)


@eqx.filter_jit
def moved(model, grads):
    return eqx.apply_updates(model, jax.tree.map(lambda g: -0.05 * g, grads))


@pytest.mark.few(5)
def test_steps_against_the_grads_improve(case, key):
    rule, model, batch, metric = case
    carry, step = begun(rule, model, batch, key=key), eqx.filter_jit(rule.step)
    before = step(model, carry, batch, key=key)
    for _ in range(20):
        done = step(model, carry, batch, key=key)
        carry = done.carry
        model = moved(model, done.grads)
    assert float(step(model, carry, batch, key=key).metrics[metric]) < float(before.metrics[metric])


@pytest.mark.slow
def test_jit_changes_nothing(case, key):
    rule, model, batch, _ = case
    carry = begun(rule, model, batch, key=key)
    plain = rule.step(model, carry, batch, key=key)
    compiled = eqx.filter_jit(rule.step)(model, carry, batch, key=key)
    for a, b in zip(jax.tree.leaves(plain.grads), jax.tree.leaves(compiled.grads), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@eqx.filter_jit
def stepped(rule, model, batch, key):
    return rule.step(model, None, batch, key=key)


class TestGradient:
    def test_is_the_gradient_of_the_mean_over_rows(self, model, batch, key):
        step = stepped(Gradient(fit_quality, clip=None), model, batch, key)
        x, y = np.asarray(batch.inputs), np.asarray(batch.targets)
        residual = np.asarray(model.w) * x + np.asarray(model.b) - y
        np.testing.assert_allclose(step.grads.w, np.mean(2 * residual * x), rtol=1e-5)
        np.testing.assert_allclose(step.grads.b, np.mean(2 * residual), rtol=1e-5)

    def test_clips_the_global_norm_and_reports_it_unclipped(self, model, batch, key):
        free = stepped(Gradient(fit_quality, clip=None), model, batch, key)
        tight = stepped(Gradient(fit_quality, clip=0.1), model, batch, key)
        norm = float(free.metrics["grad_norm"])
        assert norm > 0.1
        np.testing.assert_allclose(tight.metrics["grad_norm"], norm, rtol=1e-6)
        np.testing.assert_allclose(tight.grads.w, free.grads.w * 0.1 / norm, rtol=1e-5)
        loose = stepped(Gradient(fit_quality, clip=1e6), model, batch, key)
        np.testing.assert_array_equal(loose.grads.w, free.grads.w)

    def test_rows_get_keys_of_their_own(self, model, batch, key):
        def noisy(model, example, *, key):
            return model.w * 0, {"noise": jax.random.normal(key)}

        def mean_noise(rows):
            small = jax.tree.map(lambda x: x[:rows], batch)
            return float(stepped(Gradient(noisy), model, small, key).metrics["noise"])

        first = mean_noise(1)
        assert mean_noise(2) != pytest.approx(first)  # the second row drew something else
        assert mean_noise(1) == first

    def test_refuses_a_clip_that_is_not_positive(self):
        with pytest.raises(ValueError, match="clip must be positive or None, got 0"):
            Gradient(fit_quality, clip=0.0)
