"""Values outside a density's support: never a finite number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.longterm import Classes, Number
from vestige.models.temporal import Bernoulli, Gaussian
from vestige.models.tied import Bits, OneHot
from vestige.numerics import Spins

TWO = jnp.asarray([0.5, -0.3])
DENSITIES = {
    "spins": (lambda v: Spins(TWO).log_prob(v), [0.2, -1.0], [0.2, 200.0], "Spins.log_prob: .*, got 200 at 1"),
    "frame of bits": (
        lambda v: Bernoulli().log_prob(TWO, v),
        [0.2, 1.0],
        [0.2, 200.0],
        "within 0 to 1 .*, got 200 at 1",
    ),
    "frame of reals": (
        lambda v: Gaussian().log_prob(TWO, v),
        [0.2, 9.0],
        [0.2, np.inf],
        "must be finite, got inf at 1",
    ),
    "layer of bits": (lambda v: Bits(2).log_prob(v, TWO), [0.2, 1.0], [0.0, -1.0], "Bits.log_prob: .*, got -1 at 1"),
    "layer of classes": (
        lambda v: OneHot(2).log_prob(v, TWO),
        [0.0, 1.0],
        [0.0, 3.0],
        "OneHot.log_prob: .*, got 3 at 1",
    ),
}


@pytest.fixture(params=DENSITIES)
def case(request):
    return DENSITIES[request.param]


def test_a_known_value_is_refused_by_name(case):
    log_prob, good, bad, message = case
    assert np.isfinite(log_prob(jnp.asarray(good)))
    with pytest.raises(ValueError, match=message):
        log_prob(jnp.asarray(bad))
    with pytest.raises(ValueError, match="got nan at 1"):
        log_prob(jnp.asarray([good[0], np.nan]))


def test_a_traced_value_is_impossible_and_nan_stays_nan(case):
    log_prob, good, bad, _ = case
    compiled = jax.jit(log_prob)
    assert np.isfinite(compiled(jnp.asarray(good)))
    assert compiled(jnp.asarray(bad)) == -np.inf
    assert np.isnan(compiled(jnp.asarray([good[0], np.nan])))


def test_shares_of_classes_add_up_to_one():
    assert jax.jit(OneHot(2).log_prob)(jnp.ones(2), TWO) == -np.inf


@pytest.mark.parametrize("label", [-1, 3, 2**30])
def test_a_class_that_is_not_one_is_infinitely_surprising(label):
    """An index of -1 would read the last class."""
    outcome, logits = Classes(3), jnp.asarray([0.1, 2.0, -1.0])
    found, slope = jax.jit(jax.value_and_grad(outcome.loss))(logits, jnp.asarray(label))
    assert found == np.inf and np.all(np.asarray(slope) == 0)
    with pytest.raises(ValueError, match=f"Classes.loss: an outcome must be a class, 0 to 2, got {label}"):
        outcome.loss(logits, jnp.asarray(label))
    np.testing.assert_allclose(outcome.loss(logits, jnp.asarray(2)), -jax.nn.log_softmax(logits)[2])


def test_a_number_is_finite():
    with pytest.raises(ValueError, match="Number.loss: an outcome must be finite, got nan"):
        Number().loss(jnp.zeros(1), jnp.asarray(np.nan))
    assert np.isnan(jax.jit(Number().loss)(jnp.zeros(1), jnp.asarray(np.nan)))
