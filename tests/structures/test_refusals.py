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
from vestige.structures import Arborescence, Categorical, SpanningTree, Subset

from .cases import CASES, OTHERWISE_ROOTED, QUICK, N, once_each, quick_first


@once_each
@pytest.mark.few(4)
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


@functools.cache
def compiled(name):
    """Twice at most: with and without checks."""
    return eqx.filter_jit(functools.partial(drawn, CASES[name].make))


def refused(name, log_rates, message):
    """At once where the values are known; by the flag and NaN where they are not."""
    log_rates = jnp.asarray(log_rates)
    with pytest.raises(ValueError, match=message):
        drawn(CASES[name].make, log_rates)
    found = compiled(name)(log_rates)
    assert not found.valid and np.isnan(found.log_prob)
    with pytest.raises(ValueError, match=type(CASES[name].make(jnp.zeros_like(log_rates))).__name__):
        found.required()


def refused_in_programs(name, log_rates, message):
    """In a batch whose values are known; in compiled programs on request."""
    log_rates = jnp.asarray(log_rates)
    with pytest.raises(ValueError, match=message):
        jax.vmap(functools.partial(drawn, CASES[name].make))(jnp.stack([log_rates] * 2))
    with checks(), pytest.raises(eqx.EquinoxRuntimeError, match=message):
        compiled(name)(log_rates)
    assert not compiled(name)(log_rates).valid  # and outside as before


NOT_NUMBERS = [(name, bad) for name in CASES for bad in (np.nan, np.inf)]
LONG = {(name, bad) for name, bad in NOT_NUMBERS if name in OTHERWISE_ROOTED or (bad == np.inf and name != "choices")}


def spoilt(name, bad):
    """Log-rates with a value that is no number."""
    log_rates = CASES[name].rates(N, dtype=np.float32)
    log_rates[(2, 1)[: log_rates.ndim]] = bad
    if CASES[name].keys in ("square", "symmetric"):
        log_rates[1, 2] = bad
    return log_rates


@pytest.mark.parametrize(
    ("name", "bad"), [pytest.param(*case, marks=[pytest.mark.slow] * (case in LONG)) for case in NOT_NUMBERS]
)
@pytest.mark.few(4)
def test_rates_that_are_no_numbers(name, bad):
    refused(name, spoilt(name, bad), "NaN or \\+inf")


@quick_first
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rates_that_are_no_numbers_in_programs(name, bad):
    refused_in_programs(name, spoilt(name, bad), "NaN or \\+inf")


NOTHING, NODE = np.float32(-np.inf), np.arange(N)
DEAD_ENDS = {
    "no item": ("categorical", np.full(N, NOTHING), "no item is possible"),
    "a row of nothing": ("choices", np.where(np.eye(N)[:, [1, 1]] > 0, NOTHING, 0), "no possible option"),
    "one item": ("subset", np.where(NODE > 0, NOTHING, 0), "fewer than k = 2"),
    "an item too few": ("permutation", np.where(NODE == 1, NOTHING, 0), "never arrives"),
    "a position too few": ("binary tree", np.where(NODE == 1, NOTHING, 0), "never arrives"),
    "two parts": ("spanning tree", np.where(np.eye(N)[[1, 0, 3, 2]] > 0, 0, NOTHING), "not connected"),
    "no arc in": ("arborescence", np.where(NODE == 2, NOTHING, np.zeros((N, N))), "no admissible arc"),
    "a cycle apart": ("arborescence", np.where(NODE[:, None] == 0, NOTHING, np.zeros((N, N))), "reached"),
    "no root": ("arborescence, free root", np.where(np.eye(N), NOTHING, 0), "no admissible arc"),
    "an empty row": ("matching", np.where(NODE[:, None] == 0, NOTHING, np.zeros((N, N))), "dead end"),
}


@pytest.mark.parametrize("kind", DEAD_ENDS)
@pytest.mark.few(4)
def test_no_whole_structure(kind):
    name, log_rates, message = DEAD_ENDS[kind]
    refused(name, np.asarray(log_rates, np.float32), message)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (DEAD_ENDS[kind][0] not in QUICK)) for kind in DEAD_ENDS]
)
def test_no_whole_structure_in_programs(kind):
    name, log_rates, message = DEAD_ENDS[kind]
    refused_in_programs(name, np.asarray(log_rates, np.float32), message)


UNEQUAL = np.triu(np.ones((N, N), np.float32))


def test_edges_have_one_rate():
    refused("spanning tree", UNEQUAL, "not symmetric")
    refused_in_programs("spanning tree", UNEQUAL, "not symmetric")


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
