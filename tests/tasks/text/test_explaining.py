"""Learning to explain: rows, baselines, and the gradient that reaches the selector."""

import dataclasses
from collections import Counter
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from vestige.data.opinions import Opinion
from vestige.estimators import Exact, LeaveOneOut
from vestige.estimators.specs import ESTIMATORS
from vestige.models.structured.text_explainer import objective
from vestige.models.structured.text_specs import ExplainerSpec
from vestige.tasks.text.opinion_rows import PAD, UNKNOWN, passages_of, planted, rarities, rows_of, shortened, vocabulary
from vestige.tasks.text.specs import ExplainSpec

TEXTS = [
    Opinion(("A", "fine", "film"), True, (False, True, False)),
    Opinion(("a", "bad", "bad", "film"), False, (False, True, True, False)),
]
NUMBERS = vocabulary(TEXTS, least=2)


def rows(texts=TEXTS, longest=5, k=2):
    return rows_of(texts, NUMBERS, rarities(texts), longest=longest, k=k)


class TestRows:
    def test_rows_by_hand(self):
        assert NUMBERS == {"a": 2, "bad": 3, "film": 4}
        found = rows()
        assert found.words.tolist() == [[2, UNKNOWN, 4, PAD, PAD], [2, 3, 3, 4, PAD]]
        assert found.labels.tolist() == [1, 0]
        assert found.marked.tolist() == [[False, True, False, False, False], [False, True, True, False, False]]

    def test_the_weightiest_words_are_rare_elsewhere_and_often_here(self):
        assert rarities(TEXTS) == {
            "a": 0.0,
            "film": 0.0,
            "fine": pytest.approx(np.log(2)),
            "bad": pytest.approx(np.log(2)),
        }
        assert rows().weighty[1].tolist() == [False, True, True, False, False]

    def test_what_does_not_fit_is_named(self):
        with pytest.raises(ValueError, match="text 2 has 4 words, and a row has room for longest = 3"):
            rows(longest=3)
        with pytest.raises(ValueError, match="text 1 has 3 words, and k = 4 of them are to be read"):
            rows(k=4)
        kept, fewer = shortened(TEXTS, longest=2, k=4)
        assert fewer == 1 and kept == [Opinion(("a", "bad"), False, (False, True))]

    def test_a_word_of_few_texts_has_no_number(self):
        assert vocabulary(TEXTS, least=1, spread=(TEXTS, 2)) == {"a": 2, "film": 3}
        assert vocabulary(TEXTS * 2, least=1, spread=(TEXTS, 2)) == {"a": 2, "film": 3}  # passages do not count

    def test_passages_are_the_whole_text_in_even_parts(self):
        text = Opinion(tuple("abcdefghijk"), True, tuple(letter in "cdk" for letter in "abcdefghijk"))
        parts = passages_of([text, TEXTS[0]], 4)
        assert ["".join(part.words) for part in parts] == ["abc", "defg", "hijk", "Afinefilm"]
        assert sum((part.words for part in parts[:3]), ()) == text.words
        assert sum((part.marked for part in parts[:3]), ()) == text.marked
        assert all(part.positive for part in parts) and len(parts[3].words) == 3
        assert passages_of([text], 11) == [text]

    def test_planted_texts_are_marked_where_they_say_their_opinion(self):
        for text in planted(30, 20, 0):
            said = [word for word, mark in zip(text.words, text.marked, strict=True) if mark]
            assert said and all(word.startswith("good" if text.positive else "bad") for word in said)
            assert 8 <= len(text.words) <= 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"k": 30, "source": "sst"}, "k must be at most longest = 24, the words of a text; got 30"),
        ({"k": 9}, "k at most 8"),
        ({"longest": 7}, "longest must be in"),
        ({"train": None}, "train and test must be numbers"),
        ({"phrases": 4}, "phrases is for the source sst.* got phrases=4 for planted"),
        ({"least_texts": 0}, "least_texts must be at least 1, got 0"),
        ({"source": "sst", "passages": 50}, "passages is for the source movie-rationales.* got passages=50 for sst"),
        ({"source": "movie-rationales", "k": 10, "passages": 19}, "at least 2 k = 20.* got passages=19"),
        ({"held_out": "valid"}, "planted ones have no part 'valid'"),
        ({"source": "sst", "phrases": 1}, "at least 2, since the words alone are what people marked; got phrases=1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ExplainSpec(**options)


def test_passages_are_trained_on_and_whole_texts_evaluated(monkeypatch):
    """The files themselves need VESTIGE_DATA."""
    parts = {"train": planted(30, 24, 1), "valid": planted(5, 24, 2), "test": planted(7, 24, 3)}
    monkeypatch.setattr("vestige.tasks.text.specs.MovieRationales", lambda: SimpleNamespace(load=parts.get))
    spec = ExplainSpec("movie-rationales", k=2, train=None, test=None, passages=8, least_texts=3)
    task = spec.build(seed=0)
    assert task.train.words.shape[1] == 8 == task.longest and task.test.words.shape == (7, 24)
    assert len(task.train.labels) == sum(-(-len(text.words) // 8) for text in parts["train"])
    counts = Counter(word for text in parts["train"] for word in set(text.words))
    assert task.kinds == 2 + sum(count >= 3 for count in counts.values()) < 2 + len(counts)
    assert dataclasses.replace(spec, held_out="valid").build(seed=0).test.words.shape == (5, 24)


@pytest.fixture(scope="module")
def task():
    return ExplainSpec(k=2, longest=8, train=30, test=20).build(seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("selector", ["simple", "complex"])
def test_the_gradient_is_that_of_the_exact_expectation(selector, task, key):
    """By enumeration of the 56 traces of 2 words of 8."""
    model = ExplainerSpec(selector, width=3).build(task, key=key)
    rest = jax.tree.map(lambda x: x[0], task.batch(size=1, key=key))

    @eqx.filter_jit
    def gradients(keys):
        def flat(model, k):
            return ravel_pytree(eqx.filter_grad(lambda m: m.loss(rest, key=k))(model))[0]

        exact = flat(eqx.tree_at(lambda m: m.estimator, model, Exact()), key)
        sampled = eqx.tree_at(lambda m: m.estimator, model, LeaveOneOut(4))
        return exact, jax.lax.map(lambda k: flat(sampled, k), keys, batch_size=500)

    exact, found = gradients(jax.random.split(key, 1000))
    length = float(jnp.linalg.norm(exact))
    along = found @ exact / length
    assert length > 1e-3
    assert abs(float(along.mean()) - length) < 4 * float(along.std()) / np.sqrt(len(found))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["leave-one-out-set", "relax-set", "relax", "biased-relaxation", "leave-one-out-times"]
)
def test_every_estimator_of_subsets_teaches_both_parts(name, task, key):
    model = ExplainerSpec(width=4, estimator=ESTIMATORS[name]).build(task, key=key)
    batch = jax.tree.map(lambda x: x[0], task.batch(size=1, key=key))
    slopes = eqx.filter_jit(eqx.filter_grad(lambda m: objective(m, batch, key=key)[0]))(model)
    assert float(jnp.abs(slopes.selector.out.weight).max()) > 0
    assert float(jnp.abs(slopes.decoder.layers[-1].weight).max()) > 0


@pytest.mark.slow
def test_metrics_and_baselines(task, key):
    model = ExplainerSpec(width=4).build(task, key=key)
    flat = eqx.tree_at(lambda m: m.selector.out.weight, model, jnp.zeros((1, 4)))  # all words alike
    found = task.diagnostics(flat, size=3, key=key)
    marked, words = np.asarray(task.test.marked), np.asarray(task.test.words) != PAD
    random = (marked.sum(axis=1) / words.sum(axis=1)).mean()
    assert found.metrics["precision_random"] == pytest.approx(random)
    assert abs(found.metrics["subset_precision"] - random) < 4 * 0.5 / np.sqrt(40)
    assert 0 <= found.metrics["precision_tfidf"] <= 1 and found.bounds["subset_precision"]["chance"] == pytest.approx(
        random
    )
    assert found.arrays["explained_words"].shape == found.arrays["explained_read"].shape == (6, 8)
    assert (found.arrays["explained_read"].sum(axis=1) == 2).all()
