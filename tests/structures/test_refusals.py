"""What is refused, and in which words."""

import functools
import threading

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import config as jaxtyping_config

from vestige.debug import checks
from vestige.structures import (
    Arborescence,
    BinaryTree,
    Categorical,
    Choices,
    Matching,
    Permutation,
    SpanningTree,
    Subset,
)

from .cases import CASES, N


def test_a_gradient_through_a_draw_is_refused(name):
    make, key = CASES[name].make, jax.random.key(0)
    log_rates = CASES[name].rates(N, dtype=np.float32)
    with pytest.raises(TypeError, match="expect"):
        jax.jit(jax.grad(lambda x: jnp.sum(make(x).sample(key=key).value)))(log_rates)

    def fine(log_rates):
        draw = make(log_rates).sample(key=key)
        return jnp.sum(jax.lax.stop_gradient(draw.value)) * draw.log_prob

    assert bool(jnp.any(jax.jit(jax.grad(fine))(log_rates) != 0))


@pytest.fixture
def unhooked():
    """As the user has it: without the shape checks that the tests add."""
    before = jaxtyping_config.jaxtyping_disable
    jaxtyping_config.update("jaxtyping_disable", True)
    yield
    jaxtyping_config.update("jaxtyping_disable", before)


@pytest.mark.usefixtures("unhooked")
def test_wrong_shapes_and_types(name):
    case = CASES[name]
    wrong = {"vector": ((N, N), "vector"), "rows": ((N,), "rows of options")}
    shape, wanted = wrong.get(case.keys, ((N, N + 1), "square"))
    with pytest.raises(ValueError, match=wanted):
        case.make(jnp.zeros(shape))
    with pytest.raises(TypeError, match="floating point, got int32"):
        case.make(jnp.zeros(case.shape(N), jnp.int32))
    with pytest.raises(TypeError, match="floating point, got int32"):
        case.make(jnp.zeros(case.shape(N), jnp.int32), mask=jnp.ones(N, bool))


@pytest.mark.usefixtures("unhooked")
def test_sizes_that_cannot_be():
    for k in (0, 4):
        with pytest.raises(ValueError, match="k must lie between 1 and the number of items, 3"):
            Subset(jnp.zeros(3), k)
    for root in (-1, 3):
        with pytest.raises(ValueError, match="root must be one of the 3 nodes"):
            Arborescence(jnp.zeros((3, 3)), root)


def drawn(make, log_rates):
    return make(log_rates).sample(key=jax.random.key(1))


def refused(make, log_rates, message):
    """At once where the values are known; by the flag and NaN where they are not; in compiled programs on request."""
    log_rates = jnp.asarray(log_rates)
    draw = functools.partial(drawn, make)
    with pytest.raises(ValueError, match=message):
        draw(log_rates)
    with pytest.raises(ValueError, match=message):
        jax.vmap(draw)(jnp.stack([log_rates] * 2))
    found = eqx.filter_jit(draw)(log_rates)
    assert not found.valid and np.isnan(found.log_prob)
    with pytest.raises(ValueError, match=type(make(jnp.zeros_like(log_rates))).__name__):
        found.required()
    with checks(), pytest.raises(eqx.EquinoxRuntimeError, match=message):
        eqx.filter_jit(draw)(log_rates)
    assert not eqx.filter_jit(draw)(log_rates).valid  # and outside as before


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rates_that_are_no_numbers(name, bad):
    log_rates = CASES[name].rates(N, dtype=np.float32)
    log_rates[(2, 1)[: log_rates.ndim]] = bad
    if CASES[name].keys in ("square", "symmetric"):
        log_rates[1, 2] = bad
    refused(CASES[name].make, log_rates, "NaN or \\+inf")


NOTHING = np.float32(-np.inf)
DEAD_ENDS = {
    "no item": (Categorical, np.full(3, NOTHING), "no item is possible"),
    "a row of nothing": (Choices, np.where(np.eye(3)[:, [1, 1]] > 0, NOTHING, 0), "no possible option"),
    "one item": (lambda x: Subset(x, 2), np.array([0, NOTHING, NOTHING]), "fewer than k = 2"),
    "an item too few": (Permutation, np.array([0, NOTHING, 0]), "never arrives"),
    "a position too few": (BinaryTree, np.array([0, NOTHING, 0]), "never arrives"),
    "two parts": (SpanningTree, np.where(np.eye(4)[[1, 0, 3, 2]] > 0, 0, NOTHING), "not connected"),
    "no arc in": (Arborescence, np.where(np.arange(3) == 2, NOTHING, np.zeros((3, 3))), "no admissible arc"),
    "a cycle apart": (Arborescence, np.where(np.arange(3)[:, None] == 0, NOTHING, np.zeros((3, 3))), "reached"),
    "no root": (lambda x: Arborescence(x, None), np.where(np.eye(3), NOTHING, 0), "no admissible arc"),
    "an empty row": (Matching, np.where(np.arange(3)[:, None] == 0, NOTHING, np.zeros((3, 3))), "dead end"),
}


@pytest.mark.parametrize("kind", DEAD_ENDS)
def test_no_whole_structure(kind):
    make, log_rates, message = DEAD_ENDS[kind]
    refused(make, np.asarray(log_rates, np.float32), message)


def test_edges_have_one_rate():
    refused(SpanningTree, np.triu(np.ones((3, 3), np.float32)), "not symmetric")


def test_checks_are_of_one_thread():
    """And of one context: the same function is compiled with and without."""
    compiled_outside = []

    def look():
        draw = eqx.filter_jit(functools.partial(drawn, Categorical))(jnp.full(3, -jnp.inf))
        compiled_outside.append(bool(draw.valid))

    with checks():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert compiled_outside == [False]


def test_a_row_of_a_batch_is_named():
    log_rates = jnp.zeros((4, 3)).at[1].set(-jnp.inf)
    keys = jax.random.split(jax.random.key(0), 4)
    with pytest.raises(ValueError, match=r"no item is possible.* \(1 of 4 rows\)"):
        jax.vmap(lambda x, k: Categorical(x).sample(key=k))(log_rates, keys)
    draws = jax.jit(jax.vmap(lambda x, k: Categorical(x).sample(key=k)))(log_rates, keys)
    assert draws.valid.tolist() == [True, False, True, True]
    np.testing.assert_allclose(draws.log_prob, [-np.log(3), np.nan, -np.log(3), -np.log(3)], rtol=1e-6)
    with pytest.raises(ValueError, match=r"1 of 4 rows"):
        draws.required()


@pytest.mark.usefixtures("unhooked")
def test_a_value_is_no_trace():
    tree = SpanningTree(jnp.zeros((3, 3)))
    with pytest.raises(TypeError, match=r"SpanningTree: winners must be integers.*got float32\[3, 3\].*expect_trace"):
        tree.trace(tree.mode().value)
