"""How uncertain steps are, and which of equals are queried about (check 15 of the MemUP notes)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.rules.knowing import knowing_model
from tests.rules.longterm import cues, number_model, numbers, token_model
from vestige.rules import (
    AbstractScore,
    GumbelTopK,
    HindsightScore,
    Importance,
    InformationGain,
    OracleScore,
    RandomScore,
    ReducibleUncertainty,
    Surprise,
    TopK,
)
from vestige.rules.score_pass import score_pass
from vestige.tasks.longterm import Recall


class Equal(AbstractScore):
    """All steps the same."""

    @property
    def from_start(self) -> bool:
        return False

    def init(self, model, sequence):
        return None

    def __call__(self, model, state, window, steps, lead, *, key):
        return None, jnp.zeros(steps.shape)


def one_sequence(length, key):
    batch = numbers([length], key=key)
    return jax.tree.map(lambda leaf: leaf[0], batch.inputs)


@eqx.filter_jit
def scored(score, sequence, model, *, key, count=4, chunk=9, start=0):
    return score_pass(score, model, sequence, count=count, scan_chunk=chunk, start=jnp.array(start, jnp.int32), key=key)


def test_equals_have_equal_chances(key):
    """Neither early nor late ones, whatever the windows; the same key chooses the same."""
    model, sequence = number_model(key=key), one_sequence(30, key)
    look = lambda chunk: jax.jit(jax.vmap(lambda k: scored(Equal(), sequence, model, key=k, chunk=chunk).steps))
    keys = jax.random.split(jax.random.key(0), 3000)
    steps = np.asarray(look(7)(keys))
    np.testing.assert_array_equal(steps[:20], look(30)(keys[:20]))
    assert all(len(set(row)) == 4 for row in steps.tolist())
    share = np.bincount(steps.ravel(), minlength=30) / len(steps)
    np.testing.assert_allclose(share, 4 / 30, atol=4.5 * np.sqrt(4 / 30 / len(steps)))
    np.testing.assert_allclose(np.bincount(steps[:, 0], minlength=30) / len(steps), 1 / 30, atol=0.015)


def test_chance_does_not_depend_on_windows(key):
    model, sequence = number_model(key=key), one_sequence(30, key)
    small, large = (scored(RandomScore(), sequence, model, key=key, chunk=chunk) for chunk in (4, 30))
    np.testing.assert_array_equal(small.steps, large.steps)
    assert small.scores[0] > small.scores[1] > small.scores[2]


def late(sequence):
    return sequence.length - jnp.array([3, 9], jnp.int32)


@pytest.mark.parametrize("selection", [TopK(), GumbelTopK(), Importance()])
def test_only_what_is_asked_for_is_asked(selection, key):
    model, sequence = number_model(key=key), one_sequence(30, key)
    candidates = scored(OracleScore(late), sequence, model, key=key, count=8)
    assert set(candidates.steps[candidates.scores > -jnp.inf].tolist()) == {21, 27}
    for point, there in ((0, {21, 27}), (21, {21, 27}), (22, {27})):
        steps, weights = selection(candidates, jnp.array(point), 16, key=key)
        assert set(steps.tolist()) == there
        assert float(jnp.sum(weights)) > 0
    assert not selection(candidates, jnp.array(28), 16, key=key).weights.any()


TASK = Recall(30, noise=8)


@eqx.filter_jit
def found_first(score, model, batch, keys):
    def one(sequence, key):
        candidates = scored(score, sequence, model, key=key, count=16, chunk=20)
        return TopK()(candidates, jnp.array(9, jnp.int32), 1, key=key).steps[0] == TASK.queries(sequence)[0]

    return jnp.mean(jax.vmap(one)(batch, keys))


def precision(score, *, knows):
    """How often the one target of the first rollout is the question, of 256 sequences."""
    batch = TASK.batch(size=256, key=jax.random.key(1)).inputs
    return float(found_first(score, knowing_model(TASK, knows=knows), batch, jax.random.split(jax.random.key(2), 256)))


@pytest.mark.parametrize("score", [Surprise(), HindsightScore()])
@pytest.mark.few(1)
def test_noise_takes_the_places(score):
    """Check 15: one question among eight outcomes that nobody can predict; K = 1."""
    ahead = np.mean([1 / (1 + noise) for noise in np.random.default_rng(0).hypergeometric(8, 22, 21, 10_000)])
    found = precision(score, knows=isinstance(score, Surprise))
    assert abs(found - ahead) < 4 * np.sqrt(ahead / 256)


@pytest.mark.slow
def test_what_has_been_explained_is_told_from_noise():
    """Check 15: once a memory knows the answer, and not before."""
    assert precision(ReducibleUncertainty(), knows=True) > 0.9
    assert precision(ReducibleUncertainty(), knows=False) < 0.4
    assert precision(HindsightScore(), knows=True) == 0.0


@pytest.mark.slow
def test_information_gain_tells_what_has_been_explained_from_noise():
    assert precision(InformationGain(), knows=True) > 0.9
    assert precision(InformationGain(), knows=False) < 0.4


def test_information_gain_is_a_difference_of_entropies(key):
    """No outcome enters, and it is that of detector and prediction by hand."""
    model, batch = token_model(key=key), cues(1, 12, key=key)
    sequence = jax.tree.map(lambda leaf: leaf[0], batch.inputs)
    window = sequence.window(jnp.array(0), 12)
    score = lambda window: InformationGain(0.5)(model, model.init(), window, jnp.arange(12), 0, key=key)[1]
    found = score(window)
    others = eqx.tree_at(lambda w: w.outcomes, window, (window.outcomes + 1) % model.outcome.size)
    np.testing.assert_array_equal(found, score(others))
    _, memories = model.encode(model.init(), window.inputs, window.inside)
    entropy = lambda logits: -np.sum(np.exp(logs := np.asarray(jax.nn.log_softmax(logits))) * logs, axis=-1)
    local = entropy(model.detector(window.inputs, window.inside))
    full = entropy(jax.vmap(model.predict)(memories, window.inputs))
    np.testing.assert_allclose(found, 1.5 * local - full, rtol=1e-4, atol=1e-5)


def test_information_gain_needs_entropies(key):
    model, sequence = number_model(key=key), one_sequence(30, key)
    with pytest.raises(ValueError, match="a mean has no entropy"):
        scored(InformationGain(), sequence, model, key=key)
    with pytest.raises(ValueError, match="curiosity must not be negative, got -1"):
        InformationGain(-1)
