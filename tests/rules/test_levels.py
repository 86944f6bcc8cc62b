"""What is reached with and without a memory (checks 9 to 12 of the MemUP notes)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.rules.knowing import knowing_model
from tests.rules.longterm import SYMBOLS, Cue, Forgets, cues, number_model, token_model, trained
from vestige.cells import AbstractCell
from vestige.models.longterm import Token
from vestige.rules import Entropy, MemUP, OracleScore, Surprise, Truncated
from vestige.rules.score_pass import score_pass
from vestige.tasks.longterm import Add, Copy, Recall

BLANKS = 20
COPY = Copy(BLANKS)


@pytest.fixture(scope="module")
def without_memory():
    """Detector and predictor after training on Copy with a memory that forgets everything."""
    key = jax.random.key(3)
    model = token_model(key=key, tokens=COPY.tokens, classes=COPY.classes, cell=Forgets())
    draw = lambda key: COPY.batch(size=32, key=key)
    return trained(MemUP(10, 10, scan_chunk=40, clip=None), model, draw, 600, key=key, rate=2e-2)[0]


@pytest.mark.slow
def test_a_detector_knows_where_a_memory_is_needed(without_memory):
    """Check 9: nothing is uncertain but the ten symbols at the end, and they by ln 8; they are what is chosen."""
    model, size = without_memory, 256
    batch = COPY.batch(size=size, key=jax.random.key(4)).inputs

    def one(sequence):
        steps = jnp.arange(COPY.steps, dtype=jnp.int32)
        window = sequence.window(jnp.array(0, jnp.int32), COPY.steps)
        scores = [score(model, None, window, steps, 0, key=jax.random.key(0))[1] for score in (Entropy(), Surprise())]
        zero = jnp.array(0, jnp.int32)
        chosen = score_pass(Surprise(), model, sequence, count=10, scan_chunk=13, start=zero, key=jax.random.key(0))
        return *scores, jnp.sort(chosen.steps)

    entropy, surprise, chosen = jax.jit(jax.vmap(one))(batch)
    for scores in (entropy, surprise):
        assert float(jnp.max(scores[:, : BLANKS + 10])) < 0.01
        assert abs(float(jnp.mean(scores[:, BLANKS + 10 :])) - np.log(8)) < 0.02
    np.testing.assert_array_equal(chosen, np.broadcast_to(np.arange(BLANKS + 10, BLANKS + 20), (size, 10)))


@pytest.mark.slow
def test_copy_without_a_memory(without_memory):
    """Check 10: accuracy 1/8 and cross-entropy ln 8; no information, and less than none on fresh sequences."""
    found = COPY.evaluate(without_memory, size=2048, key=jax.random.key(5))
    assert abs(float(found["accuracy"]) - 1 / 8) < 4 * np.sqrt(1 / 8 * 7 / 8 / 20_480)
    assert abs(float(found["cross_entropy"]) - np.log(8)) < 0.02
    assert -0.02 < float(found["information"]) < 4 * 0.05 / np.sqrt(20_480)


@pytest.mark.slow
def test_add_without_a_memory(key):
    """Check 10: who remembers nothing answers 1, and is wrong by the variance, 1/6, in the square."""
    task = Add(200)  # the last number, which is seen, is one of the two in one of a hundred
    model = eqx.tree_at(lambda m: m.cell, number_model(key=key), Forgets())
    model = eqx.tree_at(lambda m: m.hidden, model, eqx.nn.Linear(6, 7, key=key))
    draw = lambda key: task.batch(size=32, key=key)
    model = trained(Truncated(200), model, draw, 300, key=key)[0]
    mse = float(task.evaluate(model, size=4096, key=jax.random.key(6))["mse"])
    assert abs(mse - 1 / 6) < 4 * np.sqrt((1 / 15 - 1 / 36) / 4096) + 0.004


@eqx.filter_jit
def evaluated(task, model, size, key):
    return task.evaluate(model, size=size, key=key)


@pytest.mark.parametrize("sureness", [0.0, 0.02, 0.1, 1.0])
def test_information_never_exceeds_the_entropy(sureness, key):
    """Check 11: who is always right and sure of it has ln 8 = 2.079 nats; who is less sure has less."""
    task = Recall(12)
    model = knowing_model(task, knows=True)
    less = np.where(np.arange(9) < 8, np.float32(sureness), np.float32(1))[:, None]
    model = eqx.tree_at(lambda m: m.output.weight, model, less * model.output.weight)
    found = {name: float(value) for name, value in evaluated(task, model, 256, key).items()}
    likely = 1 / (1 + 7 * np.exp(-50.0 * sureness))
    assert found["information"] <= np.log(8) + 1e-5
    np.testing.assert_allclose(found["information"], np.log(8) + np.log(likely), atol=1e-4)
    np.testing.assert_allclose(found["information"] + found["cross_entropy"], 2.0794, atol=1e-4)
    assert 10 * task.bounds(found)["information"]["best"] == pytest.approx(20.79, abs=0.01)


class Halves(AbstractCell[jax.Array]):
    """Which half the first symbol is in, and no gradient to what it reads."""

    output_size: int = eqx.field(static=True, default=2)
    drive_size: int = eqx.field(static=True, default=1)

    def init(self):
        return jnp.zeros(2)

    def __call__(self, state, x, drive=None):
        seen = jax.lax.stop_gradient(jnp.stack([x[0] + x[1], x[2] + x[3]]))
        state = jnp.maximum(state, seen)
        return state, state


@pytest.mark.slow
def test_the_bound_comes_from_below(key):
    """Check 12: of four symbols the memory keeps the half: ln 2, which the trained bound nears and never passes."""
    joint = np.zeros((4, 2))
    joint[range(4), [0, 0, 1, 1]] = 1 / 4
    product = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    there = joint > 0
    information = np.sum(joint[there] * np.log(joint[there] / product[there]))
    np.testing.assert_allclose(information, np.log(2), rtol=1e-12)

    encoder = Token(SYMBOLS + 2, SYMBOLS + 2, key=key)
    model = token_model(key=key, cell=Halves())
    model = eqx.tree_at(
        lambda m: m.encoder, model, eqx.tree_at(lambda t: t.table.weight, encoder, jnp.eye(SYMBOLS + 2))
    )
    every = eqx.tree_at(lambda b: b.inputs.symbol, cues(4, 10, key=key), jnp.arange(4, dtype=jnp.int32))
    rule = MemUP(10, 1, score=OracleScore(lambda sequence: sequence.length[None] - 1), current=False, clip=None)
    _, metrics = trained(rule, model, lambda key: every, 300, key=key)
    assert isinstance(every.inputs, Cue)
    bound = np.log(4) - metrics["distant"]
    assert bound[0] < 0.2 and bound[-1] > np.log(2) - 0.02
    assert (bound <= np.log(2) + 1e-6).all()
