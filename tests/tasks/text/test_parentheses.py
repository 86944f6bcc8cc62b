"""Balanced words: how many, which, how likely; and that a perfect model is evaluated as one."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.errors import UsageError
from vestige.experiments.protocols import GeneratesSamples
from vestige.models.structured.language import AbstractLanguageModel, known
from vestige.models.structured.objective import ImportanceSamples
from vestige.tasks.text.dyck import (
    all_words,
    drawn_word,
    is_balanced,
    log_catalan,
    log_words,
    open_probability,
    written,
)
from vestige.tasks.text.parentheses import Parentheses, _levels
from vestige.tasks.text.specs import ParenthesesSpec


def balanced(word, kinds):
    """By a stack."""
    stack = []
    for token in word:
        if token < kinds:
            stack.append(token)
        elif not stack or stack.pop() != token - kinds:
            return False
    return not stack


def test_how_many_words_there_are():
    assert [round(math.exp(log_catalan(m))) for m in range(7)] == [1, 1, 2, 5, 14, 42, 132]
    assert log_words(3, 2) == pytest.approx(math.log(5 * 8))
    assert Parentheses(5, 5).best_perplexity == pytest.approx(1.4532, abs=5e-5)  # notes, section 5.4
    assert Parentheses(10, 10).best_perplexity == pytest.approx(1.627, abs=5e-4)
    mixed = math.exp((math.log(2) + math.log(2 * 4)) / (2 + 4))
    assert Parentheses(2, 1, 2).best_perplexity == pytest.approx(mixed)


@pytest.mark.parametrize(("pairs", "kinds"), [(1, 1), (3, 1), (5, 1), (2, 2), (3, 2)])
def test_all_words_are_those_of_a_stack(pairs, kinds):
    found = {tuple(word) for word in all_words(pairs, kinds).tolist()}
    assert found == {word for word in itertools.product(range(2 * kinds), repeat=2 * pairs) if balanced(word, kinds)}
    assert len(all_words(pairs, kinds)) == len(found) == round(math.exp(log_words(pairs, kinds)))


def test_words_are_written_in_brackets():
    assert ["".join(word) for word in written(all_words(2, 2)[:2], 2)] == ["(())", "([])"]
    assert written(np.array([4, 9]), 5).tolist() == ["(5", ")5"]


@jax.jit
def checked(words, lengths):
    return jax.vmap(lambda word, size: is_balanced(word, jnp.arange(4) < size, 2))(words, lengths)


def test_what_is_balanced_behind_which_nothing_counts():
    words = np.array(list(itertools.product(range(4), repeat=4)), np.int32)
    for size in (4, 2):
        expected = [balanced(word[:size], 2) for word in words.tolist()]
        np.testing.assert_array_equal(checked(words, np.full(len(words), size, np.int32)), expected)


def test_the_recursion_makes_all_words_equally_likely():
    closes = all_words(5, 1)
    steps = 1 - 2 * closes
    heights = np.cumsum(steps, axis=1) - steps
    left = np.broadcast_to(np.arange(10, 0, -1), heights.shape)
    opens = np.asarray(open_probability(jnp.asarray(left, jnp.float32), jnp.asarray(heights, jnp.float32)))
    np.testing.assert_allclose(np.prod(np.where(closes == 0, opens, 1 - opens), axis=1), 1 / 42, rtol=1e-5)


@pytest.mark.slow
def test_draws_are_uniform(key):
    count = 40_000
    drawn = jax.jit(jax.vmap(lambda key: drawn_word(jnp.int32(3), 8, 2, key=key)))(jax.random.split(key, count))
    words = {tuple(word): 0 for word in all_words(3, 2).tolist()}
    for word in np.asarray(drawn).tolist():
        words[tuple(word[:6])] += 1
    assert not np.asarray(drawn)[:, 6:].any()
    expected, error = count / 40, math.sqrt(count / 40 * (1 - 1 / 40))
    assert len(words) == 40 and max(abs(found - expected) for found in words.values()) < 4 * error


class Known(AbstractLanguageModel):
    """Of one kind of bracket: the ballot recursion itself, or every token with probability one half."""

    perfect: jax.Array

    def _opens(self, left, height):
        chance = open_probability(jnp.maximum(left, 1).astype(jnp.float32), height.astype(jnp.float32))
        return jnp.where(self.perfect, chance, 0.5)

    def log_prob(self, text):
        tokens, mask = known(text)
        heights = jnp.cumsum(jnp.where(tokens == 0, 1, -1)) - jnp.where(tokens == 0, 1, -1)
        opens = self._opens(jnp.sum(mask) - jnp.arange(len(tokens)), heights)
        return jnp.sum(jnp.where(mask, jnp.log(jnp.where(tokens == 0, opens, 1 - opens)), 0.0))

    def orders(self, text, *, samples, key):
        n = text.inputs.shape[0]
        return ImportanceSamples(self.log_prob(text)[None], jnp.eye(n, k=1)[None])

    def generate(self, mask, *, key):
        def step(height, given):
            place, noise = given
            opens = noise < self._opens(jnp.sum(mask) - place, height)
            return height + jnp.where(opens, 1, -1), jnp.where(opens, 0, 1)

        noise = jax.random.uniform(key, mask.shape)
        tokens = jax.lax.scan(step, jnp.int32(0), (jnp.arange(len(mask)), noise))[1]
        return jnp.where(mask, tokens, 0).astype(jnp.int32)


evaluated = eqx.filter_jit(lambda task, perfect, key: task.evaluate(Known(perfect), size=500, key=key))


@pytest.mark.slow
def test_a_perfect_model_reaches_the_best_and_an_ignorant_one_chance(key):
    task = Parentheses(3, 3)
    best, worst = (evaluated(task, jnp.array(perfect), key) for perfect in (True, False))
    bounds = task.bounds(best)
    for name in ("perplexity", "perplexity_elbo"):
        assert float(best[name]) == pytest.approx(bounds[name]["best"], rel=1e-5)
        assert float(worst[name]) == pytest.approx(bounds[name]["chance"]) == 2.0
    assert float(best["balanced"]) == 1.0 and bounds["balanced"]["chance"] == pytest.approx(5 / 2**6)
    luck = bounds["balanced"]["chance"]
    assert abs(float(worst["balanced"]) - luck) < 4 * math.sqrt(luck * (1 - luck) / 500)
    assert float(best["right_children"]) == float(best["tree_depth"]) == 1.0
    assert "tree_kl" not in best


def test_the_exact_perplexity_is_of_all_lengths(key):
    assert Parentheses(3, 2).exact_perplexity(Known(jnp.array(True))) == pytest.approx(
        math.exp((math.log(2) + math.log(5)) / 10), rel=1e-5
    )


def test_lengths_and_masks(key):
    batch = jax.jit(lambda key: Parentheses(3, 1, 2).batch(size=200, key=key))(key)
    sizes = np.asarray(batch.mask).sum(axis=1)
    assert set(sizes.tolist()) == {2, 4, 6}
    for word, size in zip(np.asarray(batch.inputs).tolist(), sizes, strict=True):
        assert balanced(word[:size], 2) and not any(word[size:])


@pytest.mark.parametrize("perfect", [True, False])
def test_words_that_a_model_generates_are_told_balanced_or_not(perfect):
    task = Parentheses(3, 2)
    found = task.sampled(Known(jnp.array(perfect)), count=60, steps=None, given=0, seed=0)
    assert isinstance(task, GeneratesSamples) and {len(text) for text in found.texts} == {4, 6}
    sound = [balanced(["()".index(bracket) for bracket in text], 1) for text in found.texts]
    assert found.columns["balanced"].values.tolist() == sound
    assert all(sound) if perfect else 0 < sum(sound) < 40
    assert tuple(found.columns["word"].values) == found.texts
    with pytest.raises(UsageError, match="no sequences: leave --frames"):
        task.sampled(Known(jnp.array(perfect)), count=1, steps=4, given=0, seed=0)


@pytest.mark.parametrize(
    ("parents", "levels"), [([-1, 0, 1, 2], 4), ([1, -1, 3, 1], 3), ([1, 2, -1, 2], 3), ([1, -1, 1, -1], 2)]
)
def test_levels_of_a_tree(parents, levels):
    order = np.array([[float(parent == place) for parent in parents] for place in range(4)], np.float32)
    assert float(jax.jit(_levels)(order, np.array([True] * 3 + [parents[3] >= 0]))) == levels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs": 0}, "pairs must be in"),
        ({"pairs": 3, "shortest": 4}, r"shortest must be in \[1, 3\], got 4"),
        ({"kinds": 0}, "kinds must be in"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ParenthesesSpec(**options)
    with pytest.raises(ValueError, match="Parentheses: "):
        Parentheses(**{"pairs": 5, "shortest": options.get("pairs", 5), **options})
