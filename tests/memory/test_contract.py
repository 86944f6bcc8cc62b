"""The conformance suite of the memory contract: a new memory adds one line to MEMORIES, INFO and PARAMETERS."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from vestige.memory import (
    DNC,
    LRU,
    NTM,
    AbstractFeedbackMemory,
    AbstractSlotMemory,
    Attention,
    Introspection,
    NoMemory,
    SigmoidNorm,
    SoftplusNorm,
)

LATENT, HIDDEN, STEPS = 3, 5, 9
TABLE = {"slots": 4, "word_size": 6}

MEMORIES = {
    "none": lambda key: NoMemory(HIDDEN),
    "introspection": lambda key: Introspection(LATENT, HIDDEN, slots=4, key=key),
    "introspection, 3 heads": lambda key: Introspection(LATENT, HIDDEN, slots=4, heads=3, key=key),
    "introspection, one slot": lambda key: Introspection(LATENT, HIDDEN, slots=1, key=key),
    "introspection, softplus": lambda key: Introspection(
        LATENT, HIDDEN, slots=4, weighting=SoftplusNorm(), scalar_gate=True, key=key
    ),
    "introspection, sigmoid, h": lambda key: Introspection(
        LATENT, HIDDEN, slots=4, weighting=SigmoidNorm(), include_controller_state=True, key=key
    ),
    "ntm": lambda key: NTM(LATENT, HIDDEN, **TABLE, key=key),
    "ntm, 3 heads": lambda key: NTM(LATENT, HIDDEN, **TABLE, heads=3, reach=2, key=key),
    "ntm, one slot": lambda key: NTM(LATENT, HIDDEN, slots=1, word_size=1, key=key),
    "lru": lambda key: LRU(LATENT, HIDDEN, **TABLE, key=key),
    "lru, 3 heads": lambda key: LRU(LATENT, HIDDEN, **TABLE, heads=3, strength=False, key=key),
    "lru, one slot": lambda key: LRU(LATENT, HIDDEN, slots=1, word_size=1, key=key),
    "dnc": lambda key: DNC(LATENT, HIDDEN, **TABLE, key=key),
    "dnc, 3 heads": lambda key: DNC(LATENT, HIDDEN, **TABLE, heads=3, key=key),
    "dnc, one slot": lambda key: DNC(LATENT, HIDDEN, slots=1, word_size=1, key=key),
    "attention": lambda key: Attention(LATENT, HIDDEN, slots=4, key_size=7, key=key),
    "attention, reads only": lambda key: Attention(
        LATENT, HIDDEN, slots=4, heads=1, key_size=2, include_controller_state=False, key=key
    ),
    "attention, one slot": lambda key: Attention(LATENT, HIDDEN, slots=1, key_size=1, key=key),
}

INFO = {
    NoMemory: set(),
    Introspection: {"read_weights", "read_gates"},
    NTM: {"read_weights", "write_weights"},
    LRU: {"read_weights", "write_weights", "usage"},
    DNC: {"read_weights", "write_weights", "usage", "write_gate", "allocation_gate", "links", "read_modes"},
    Attention: {"read_weights", "read_gates"},
}

Z, H, N, W, P = LATENT, HIDDEN, 4, 6, 16  # P: numbers that describe a position
PARAMETERS = {
    "none": 0,
    "introspection": (H + 1) * (N + Z),
    "introspection, 3 heads": (H + 1) * 3 * (N + Z),
    "introspection, one slot": (H + 1) * (1 + Z),
    "introspection, softplus": (H + 1) * (N + 1),
    "introspection, sigmoid, h": (H + 1) * (N + Z),
    "ntm": (H + 1) * (W + 6) + (H + Z + 1) * (3 * W + 6),
    "ntm, 3 heads": (H + 1) * 3 * (W + 8) + (H + Z + 1) * (3 * W + 8),
    "ntm, one slot": (H + 1) * 7 + (H + Z + 1) * 9,
    "lru": (H + 1) * (W + 1) + (H + Z + 1) * (W + 1),
    "lru, 3 heads": (H + 1) * 3 * W + (H + Z + 1) * 3 * (W + 1),
    "lru, one slot": (H + 1) * 2 + (H + Z + 1) * 2,
    "dnc": (H + 1) * (W + 4) + (H + Z + 1) * (3 * W + 4),
    "dnc, 3 heads": (H + 1) * 3 * (W + 4) + (H + Z + 1) * (3 * W + 6),
    "dnc, one slot": (H + 1) * 5 + (H + Z + 1) * 7,
    "attention": ((2 * Z + H + P + 1) + (Z + H + P + 1) + (N + 1)) * 2 * 7 + 2 * (N + 1),
    "attention, reads only": ((2 * Z + H + P + 1) + (Z + H + P + 1) + (N + 1)) * 2 + (N + 1),
    "attention, one slot": ((2 * Z + H + P + 1) + (Z + H + P + 1) + 2) * 2 + 2 * 2,
}


@pytest.fixture(params=MEMORIES)
def memory(request):
    return MEMORIES[request.param](jax.random.key(7))


@pytest.fixture
def table(memory):
    if not isinstance(memory, AbstractSlotMemory):
        pytest.skip("has no slots")
    return memory


def sequence(key, scale=1.0, steps=STEPS):
    key_z, key_h = jax.random.split(key)
    return (
        scale * jax.random.normal(key_z, (steps, LATENT)),
        scale * jax.random.normal(key_h, (steps, HIDDEN)),
    )


@eqx.filter_jit
def follow(memory, zs, hs, state=None):
    def step(state, x):
        z, h = x
        context, state, info = memory.read(state, h)
        return memory.write(state, z, h), (context, info)

    return jax.lax.scan(step, memory.init() if state is None else state, (zs, hs))


def retrieved(memory, context, h):
    """The part of the context that came out of the memory."""
    with_h = context.shape[-1] >= HIDDEN and np.array_equal(context[..., -HIDDEN:], h)
    return context[..., :-HIDDEN] if with_h else context


def test_shapes(memory, key):
    zs, hs = sequence(key)
    state, (context, info) = follow(memory, zs, hs)
    assert context.shape == (STEPS, memory.context_size)
    assert set(info) == INFO[type(memory)]
    jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype) or pytest.fail("state"), state, memory.init())


def test_shapes_of_slots(table, key):
    state, (_, info) = follow(table, *sequence(key))
    assert table.words(state).shape == (table.slots, table.word_size)
    assert table.written(state).shape == (table.slots,)
    assert info["read_weights"].shape == (STEPS, table.heads, table.slots)
    for name in ("usage", "links"):
        if name in info:
            assert info[name].shape == (STEPS,) + (table.slots,) * (1 + (name == "links"))
    if "read_modes" in info:
        np.testing.assert_allclose(info["read_modes"].sum(-1), np.ones((STEPS, table.heads)), rtol=1e-5)


def test_number_of_parameters(request, memory):
    count = sum(leaf.size for leaf in jax.tree.leaves(memory))
    assert count == PARAMETERS[request.node.callspec.params["memory"]]


def test_a_read_sees_only_what_was_written_before(memory, key):
    zs, hs = sequence(key)
    _, (before, _) = follow(memory, zs, hs)
    _, (after, _) = follow(memory, zs.at[5].add(1.0), hs)
    np.testing.assert_array_equal(before[:6], after[:6])


def test_what_was_written_is_seen_by_later_reads(table, key):
    zs, hs = sequence(key)
    _, (before, _) = follow(table, zs, hs)
    _, (after, _) = follow(table, zs.at[5].add(1.0), hs)
    assert not np.array_equal(before[6], after[6])


def test_the_last_read_is_fed_back(memory, key):
    zs, hs = sequence(key)
    state, (context, _) = follow(memory, zs, hs)
    if isinstance(memory, AbstractFeedbackMemory):
        assert memory.feedback(state).shape == (memory.feedback_size,)
        np.testing.assert_array_equal(memory.feedback(state), retrieved(memory, context, hs)[-1])
        np.testing.assert_array_equal(memory.feedback(memory.init()), jnp.zeros(memory.feedback_size))


def test_an_empty_memory_gives_nothing(table):
    h = jnp.linspace(-1.0, 1.0, HIDDEN)
    assert not bool(jnp.any(table.written(table.init())))
    context, _, _ = eqx.filter_jit(table.read)(table.init(), h)
    np.testing.assert_allclose(retrieved(table, context, h), 0, atol=1.1e-6)  # tables are blank at 1e-6
    gradients = eqx.filter_jit(eqx.filter_grad(lambda m: jnp.sum(m.read(m.init(), h)[0])))(table)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(gradients))


def test_finite_everywhere_gradient_included(memory, key):
    total = eqx.filter_jit(eqx.filter_value_and_grad(lambda parts: jnp.sum(follow(*parts)[1][0])))
    for scale in (0.0, 1.0, 1e4):
        value, gradients = total((memory, *sequence(key, scale)))
        assert bool(jnp.isfinite(value))
        for leaf in jax.tree.leaves(gradients):
            assert bool(jnp.all(jnp.isfinite(leaf)))


def test_jit_and_vmap_change_nothing(memory, key):
    rows = [sequence(jax.random.fold_in(key, row)) for row in range(3)]
    zs, hs = (jnp.stack(part) for part in zip(*rows, strict=True))
    together = jax.vmap(lambda z, h: follow(memory, z, h)[1][0])(zs, hs)
    for row, (z, h) in enumerate(rows):
        np.testing.assert_allclose(together[row], follow(memory, z, h)[1][0], rtol=1e-4, atol=1e-5)


def test_two_parts_are_the_whole(memory, key):
    zs, hs = sequence(key)
    end, (whole, _) = follow(memory, zs, hs)
    middle, _ = follow(memory, zs[:4], hs[:4])
    later, (rest, _) = follow(memory, zs[4:], hs[4:], middle)
    np.testing.assert_allclose(whole[4:], rest, rtol=1e-5, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), end, later)


def test_weights_are_shares(table, key):
    _, (_, info) = follow(table, *sequence(key))
    for name in {"read_weights", "write_weights"} & set(info):
        weights = np.asarray(info[name])
        assert (weights >= 0).all()
        assert (weights.sum(-1) <= 1 + 1e-6).all()


def test_a_memory_of_written_slots_looks_at_nothing_else(table, key):
    if not isinstance(table, Introspection | Attention):
        pytest.skip("its table always holds something")
    weights = np.asarray(follow(table, *sequence(key))[1][1]["read_weights"])
    for step, row in enumerate(weights):
        assert (row[:, step:] == 0).all()
        if step and isinstance(table, Introspection):
            np.testing.assert_allclose(row.sum(-1), 1, atol=1e-5)


def test_slots_are_marked_as_they_fill(table, key):
    zs, hs = sequence(key)
    for steps, most in ((1, 1), (STEPS, table.slots)):
        state, _ = follow(table, zs[:steps], hs[:steps])
        marked = int(table.written(state).sum())
        if isinstance(table, Introspection | Attention):
            assert marked == most
        assert 1 <= marked <= table.slots


@pytest.mark.parametrize("name", ["introspection, sigmoid, h", "ntm", "lru, 3 heads", "dnc, 3 heads", "attention"])
def test_gradients_agree_with_finite_differences(name):
    """One write and one read, with respect to everything: parameters, state, z and h. Away from ties."""
    with jax.enable_x64(True):
        memory = MEMORIES[name](jax.random.key(7))
        zs, hs = sequence(jax.random.key(3))
        warm, _ = follow(memory, zs, hs)
        fixed = {"write_weights"} if isinstance(memory, DNC) else set()  # its gradient is stopped on purpose
        state = {name: leaf for name, leaf in warm._asdict().items() if leaf.dtype == "float64" and name not in fixed}
        parameters, rest = eqx.partition(memory, eqx.is_inexact_array)
        weights = jnp.cos(jnp.arange(memory.context_size))

        @jax.jit
        def once(*varied):
            parameters, state, z, h_write, h_read = jax.tree.map(jnp.asarray, varied)
            memory = eqx.combine(parameters, rest)
            state = memory.write(warm._replace(**state), z, h_write)
            context, state, _ = memory.read(state, h_read)
            return weights @ context + jnp.sum(memory.words(state) ** 2)

        check_grads(once, (parameters, state, zs[1], hs[1], hs[2]), order=1, modes=["rev"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["keys", "words"])
def test_a_hundred_thousand_adversarial_steps_stay_finite(memory, kind, key):
    """A hundred sequences of a thousand steps: keys of 0 and ±1e6, words all alike or of 1e6."""
    levels = jnp.array([0.0, 1.0, -1e6, 1e6])

    def step(state, key):
        key_which, key_z, key_h = jax.random.split(key, 3)
        scale_z, scale_h = levels[jax.random.randint(key_which, (2,), 0, 4)]
        z, h = jax.random.normal(key_z, (LATENT,)), jax.random.normal(key_h, (HIDDEN,))
        z, h = (jnp.ones(LATENT), scale_h * h) if kind == "keys" else (scale_z * z, scale_h * jnp.ones(HIDDEN))
        context, state, info = memory.read(state, h)
        state = memory.write(state, z, h)
        return state, jnp.all(jnp.isfinite(context)) & _all_finite(info) & _all_finite(state)

    def run(key):
        return jnp.all(jax.lax.scan(step, memory.init(), jax.random.split(key, 1000))[1])

    assert bool(jnp.all(jax.jit(jax.vmap(run))(jax.random.split(key, 100))))


def _all_finite(tree):
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)] or [jnp.array(True)]))


@pytest.mark.parametrize("kind", [Introspection, NTM, LRU, DNC, Attention])
@pytest.mark.parametrize("name", ["slots", "heads", "word_size"])
def test_impossible_sizes_are_refused(kind, name, key):
    if name == "word_size" and kind in (Introspection, Attention):
        pytest.skip("its words are latents")
    sizes = {"slots": 4} | ({"word_size": 6} if kind in (NTM, LRU, DNC) else {}) | {name: 0}
    with pytest.raises(ValueError, match=f"{kind.__name__}: {name} must be at least 1, got 0"):
        kind(LATENT, HIDDEN, key=key, **sizes)
