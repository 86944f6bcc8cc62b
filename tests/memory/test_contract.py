"""The conformance suite of the memory contract: a new memory adds one line to MEMORIES, INFO and PARAMETERS."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.drawn import drawn
from tests.slopes import slopes_agree

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
    "ntm, 3 heads": lambda key: NTM(LATENT, HIDDEN, **TABLE, heads=3, max_shift=2, key=key),
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
OF_EACH_KIND = ["none", "introspection", "ntm", "lru", "dnc", "attention"]
"""The others are options of these, and slow."""

INFO = {
    NoMemory: set(),
    Introspection: {"read_weights", "read_gates"},
    NTM: {"read_weights", "write_weights"},
    LRU: {"read_weights", "write_weights", "usage"},
    DNC: {"read_weights", "write_weights", "usage", "write_gate", "allocation_gate", "links", "read_modes"},
    Attention: {"read_weights", "read_gates"},
}

Z, H, N, W, P = LATENT, HIDDEN, 4, 6, 16 + 16  # P: numbers that tell when and where
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
    "attention": ((2 * Z + H + P + 1) + (Z + H + P + 1) + (N + 1)) * 2 * 7 + 2 * (N + 1) + 8 * H,
    "attention, reads only": ((2 * Z + H + P + 1) + (Z + H + P + 1) + (N + 1)) * 2 + (N + 1) + 8 * H,
    "attention, one slot": ((2 * Z + H + P + 1) + (Z + H + P + 1) + 2) * 2 + 2 * 2 + 8 * H,
}


@functools.cache
def made(name):
    """The memory and its first state."""
    memory = drawn(MEMORIES[name], seed=7)
    if isinstance(memory, DNC):  # the two gates through which it writes begin open
        gates = np.isin(np.arange(memory.write_interface.out_features), 3 * memory.word_size + np.arange(2))
        memory = eqx.tree_at(
            lambda m: m.write_interface.bias, memory, replace_fn=lambda bias: jnp.where(gates, 1.0, bias)
        )
    return memory, eqx.filter_jit(lambda memory: memory.init())(memory)


@pytest.fixture(params=[n if n in OF_EACH_KIND else pytest.param(n, marks=pytest.mark.slow) for n in MEMORIES])
def name(request):
    return request.param


@pytest.fixture
def memory(name):
    return made(name)[0]


@pytest.fixture
def table(memory):
    if not isinstance(memory, AbstractSlotMemory):
        pytest.skip("has no slots")
    return memory


def sequence(key, scale=1.0):
    key_z, key_h = jax.random.split(key)
    zs, hs = jax.random.normal(key_z, (STEPS, LATENT)), jax.random.normal(key_h, (STEPS, HIDDEN))
    return scale * np.asarray(zs), scale * np.asarray(hs)


def changed(zs):
    """Another latent is written at step 5."""
    return zs + (np.arange(STEPS) == 5).astype(zs.dtype)[:, None]


class Seen(NamedTuple):
    """What was read at each step, and the memory after it."""

    context: Any
    info: Any
    state: Any
    words: Any = None
    written: Any = None
    feedback: Any = None


def unroll(memory, zs, hs, state):
    def step(state, x):
        z, h = x
        context, state, info = memory.read(state, h)
        state = memory.write(state, z, h)
        seen = Seen(context, info, state)
        if isinstance(memory, AbstractSlotMemory):
            seen = seen._replace(words=memory.words(state), written=memory.written(state))
        if isinstance(memory, AbstractFeedbackMemory):
            seen = seen._replace(feedback=memory.feedback(state))
        return state, seen

    return jax.lax.scan(step, state, (zs, hs))[1]


unrolled = eqx.filter_jit(unroll)


def follow(name, zs, hs, state=None):
    """From the first state or from a given one, as NumPy arrays."""
    memory, first = made(name)
    return jax.device_get(unrolled(memory, zs, hs, first if state is None else state))


def after(seen, step):
    return jax.tree.map(lambda leaf: leaf[step], seen.state)


def retrieved(memory, context, h):
    """The part of the context that came out of the memory."""
    with_h = context.shape[-1] >= HIDDEN and np.array_equal(context[..., -HIDDEN:], h)
    return context[..., :-HIDDEN] if with_h else context


@pytest.mark.few(3)
def test_shapes(name, key):
    memory, first = made(name)
    seen = follow(name, *sequence(key))
    assert seen.context.shape == (STEPS, memory.context_size)
    assert set(seen.info) == INFO[type(memory)]
    same = jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype), after(seen, -1), first)
    assert all(jax.tree.leaves(same))


def test_shapes_of_slots(name, table, key):
    seen = follow(name, *sequence(key))
    info = seen.info
    assert seen.words.shape == (STEPS, table.slots, table.word_size)
    assert seen.written.shape == (STEPS, table.slots)
    assert info["read_weights"].shape == (STEPS, table.heads, table.slots)
    for fact in ("usage", "links"):
        if fact in info:
            assert info[fact].shape == (STEPS,) + (table.slots,) * (1 + (fact == "links"))
    if "read_modes" in info:
        np.testing.assert_allclose(info["read_modes"].sum(-1), np.ones((STEPS, table.heads)), rtol=1e-5)


def test_number_of_parameters(name, memory):
    assert sum(leaf.size for leaf in jax.tree.leaves(memory)) == PARAMETERS[name]


def test_a_read_sees_only_what_was_written_before(name, key):
    zs, hs = sequence(key)
    before, later = follow(name, zs, hs), follow(name, changed(zs), hs)
    np.testing.assert_array_equal(before.context[:6], later.context[:6])


def test_what_was_written_is_seen_by_later_reads(name, table, key):
    zs, hs = sequence(key)
    before, later = follow(name, zs, hs), follow(name, changed(zs), hs)
    assert not np.array_equal(before.context[6], later.context[6])


def test_the_last_read_is_fed_back(name, memory, key):
    zs, hs = sequence(key)
    seen = follow(name, zs, hs)
    if isinstance(memory, AbstractFeedbackMemory):
        assert seen.feedback.shape == (STEPS, memory.feedback_size)
        np.testing.assert_array_equal(seen.feedback, retrieved(memory, seen.context, hs))
        np.testing.assert_array_equal(memory.feedback(made(name)[1]), np.zeros(memory.feedback_size))


@eqx.filter_jit
def slopes(memory, zs, hs):
    """The sum of all that is read and its gradient, and the gradient of a read of nothing."""

    def total(parts):
        memory, zs, hs = parts
        return jnp.sum(unroll(memory, zs, hs, memory.init()).context)

    def empty(memory):
        return jnp.sum(memory.read(memory.init(), hs[0])[0])

    return *eqx.filter_value_and_grad(total)((memory, zs, hs)), eqx.filter_grad(empty)(memory)


def test_an_empty_memory_gives_nothing(name, table, key):
    assert not np.any(table.written(made(name)[1]))
    zs, hs = sequence(key)
    first = follow(name, zs, hs).context[0]
    np.testing.assert_allclose(retrieved(table, first, hs[0]), 0, atol=1.1e-6)  # tables are blank at 1e-6


@pytest.mark.few(1)
def test_finite_everywhere_gradient_included(memory, key):
    for scale in (0.0, 1.0, 1e4):
        for leaf in jax.tree.leaves(jax.device_get(slopes(memory, *sequence(key, scale)))):
            assert np.isfinite(leaf).all()


@eqx.filter_jit
def rows(memory, zs, hs, state):
    return jax.vmap(lambda z, h: unroll(memory, z, h, state).context)(zs, hs)


def test_jit_and_vmap_change_nothing(name, key):
    each = [sequence(jax.random.fold_in(key, row)) for row in range(3)]
    zs, hs = (np.stack(part) for part in zip(*each, strict=True))
    together = rows(made(name)[0], zs, hs, made(name)[1])
    for row, (z, h) in enumerate(each):
        np.testing.assert_allclose(together[row], follow(name, z, h).context, rtol=1e-4, atol=1e-5)


def test_two_parts_are_the_whole(name, key):
    zs, hs = sequence(key)
    whole = follow(name, zs, hs)
    rest = follow(name, np.roll(zs, -4, axis=0), np.roll(hs, -4, axis=0), after(whole, 3))
    np.testing.assert_allclose(whole.context[4:], rest.context[: STEPS - 4], rtol=1e-5, atol=1e-6)
    for a, b in zip(*map(jax.tree.leaves, (after(whole, -1), after(rest, STEPS - 5))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_weights_are_shares(name, table, key):
    info = follow(name, *sequence(key)).info
    for kind in {"read_weights", "write_weights"} & set(info):
        assert (info[kind] >= 0).all()
        assert (info[kind].sum(-1) <= 1 + 1e-6).all()


def test_a_memory_of_written_slots_looks_at_nothing_else(name, table, key):
    if not isinstance(table, Introspection | Attention):
        pytest.skip("its table always holds something")
    for step, row in enumerate(follow(name, *sequence(key)).info["read_weights"]):
        assert (row[:, step:] == 0).all()
        if step and isinstance(table, Introspection):
            np.testing.assert_allclose(row.sum(-1), 1, atol=1e-5)


def test_slots_are_marked_as_they_fill(name, table, key):
    marked = follow(name, *sequence(key)).written.sum(axis=-1)
    assert ((marked >= 1) & (marked <= table.slots)).all()
    if isinstance(table, Introspection | Attention):
        np.testing.assert_array_equal(marked, np.minimum(np.arange(1, STEPS + 1), table.slots))


@pytest.mark.parametrize("varied", ["introspection, sigmoid, h", "ntm", "lru, 3 heads", "dnc, 3 heads", "attention"])
@pytest.mark.few(1)
def test_gradients_agree_with_finite_differences(varied):
    """One write and one read, with respect to everything: parameters, state, z and h. Away from ties."""
    with jax.enable_x64(True):
        memory = drawn(MEMORIES[varied], seed=7)
        first = eqx.filter_jit(lambda memory: memory.init())(memory)
        zs, hs = sequence(jax.random.key(3))
        warm = after(jax.device_get(unrolled(memory, zs, hs, first)), -1)
        fixed = {"write_weights"} if isinstance(memory, DNC) else set()  # its gradient is stopped on purpose
        state = {
            field: leaf for field, leaf in warm._asdict().items() if leaf.dtype == "float64" and field not in fixed
        }
        parameters, rest = eqx.partition(memory, eqx.is_inexact_array)
        weights = np.cos(np.arange(memory.context_size))

        def once(parameters, state, z, h_write, h_read):
            memory = eqx.combine(parameters, rest)
            given = jax.tree.map(jnp.asarray, warm)._replace(**state)
            context, state, _ = memory.read(memory.write(given, z, h_write), h_read)
            return jnp.asarray(weights) @ context + jnp.sum(memory.words(state) ** 2)

        slopes_agree(once, parameters, state, zs[1], hs[1], hs[2])


@eqx.filter_jit
def survives(memory, keys, alike):
    """Whether everything stays finite, for each of the keys and kinds of sequence."""
    levels = jnp.array([0.0, 1.0, -1e6, 1e6])

    def run(key, alike):
        def step(carry, key):
            state, fine = carry
            key_which, key_z, key_h = jax.random.split(key, 3)
            scale_z, scale_h = levels[jax.random.randint(key_which, (2,), 0, 4)]
            z, h = jax.random.normal(key_z, (LATENT,)), jax.random.normal(key_h, (HIDDEN,))
            z = jnp.where(alike, jnp.ones(LATENT), scale_z * z)
            h = scale_h * jnp.where(alike, h, jnp.ones(HIDDEN))
            context, state, info = memory.read(state, h)
            state = memory.write(state, z, h)
            leaves = jax.tree.leaves((context, info, state))
            return (state, fine & jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))), None

        return jax.lax.scan(step, (memory.init(), jnp.array(True)), jax.random.split(key, 1000))[0][1]

    return jax.vmap(run)(keys, alike)


@pytest.mark.slow
def test_two_hundred_thousand_adversarial_steps_stay_finite(memory, key):
    """A hundred sequences of a thousand steps of either kind: keys of 0 and ±1e6, words all alike or of 1e6."""
    assert np.all(survives(memory, jax.random.split(key, 200), np.arange(200) < 100))


@pytest.mark.parametrize("varied", OF_EACH_KIND)
@pytest.mark.parametrize("dtype", [pytest.param(jnp.bfloat16, marks=pytest.mark.slow), jnp.float16])
@pytest.mark.few(2)
def test_half_precision(varied, dtype, key):
    """Parameters and what is written of 16 bits: it runs, and reads what 32 bits read but for rounding."""
    memory, first = made(varied)
    halved = jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, memory)
    zs, hs = sequence(key)
    with jax.numpy_dtype_promotion("standard"):

        @eqx.filter_jit
        def slopes(memory, zs, hs):
            def total(memory):
                seen = unroll(memory, zs, hs, memory.init())
                return jnp.sum(seen.context.astype(jnp.float32)), seen

            return eqx.filter_grad(total, has_aux=True)(memory)

        slope, seen = jax.device_get(slopes(halved, jnp.asarray(zs, dtype), jnp.asarray(hs, dtype)))
    kept = jax.tree.map(lambda leaf: leaf.dtype, first)
    assert jax.tree.map(lambda leaf: leaf.dtype, seen.state) == kept
    assert all(np.isfinite(np.asarray(leaf, np.float32)).all() for leaf in jax.tree.leaves((slope, seen.context)))
    np.testing.assert_allclose(np.asarray(seen.context, np.float32), follow(varied, zs, hs).context, atol=0.15)


@pytest.mark.parametrize("kind", [Introspection, NTM, LRU, DNC, Attention])
@pytest.mark.parametrize("name", ["slots", "heads", "word_size"])
@pytest.mark.slow
def test_impossible_sizes_are_refused(kind, name, key):
    if name == "word_size" and kind in (Introspection, Attention):
        pytest.skip("its words are latents")
    sizes = {"slots": 4} | ({"word_size": 6} if kind in (NTM, LRU, DNC) else {}) | {name: 0}
    with pytest.raises(ValueError, match=f"{kind.__name__}: {name} must be at least 1, got 0"):
        kind(LATENT, HIDDEN, key=key, **sizes)
