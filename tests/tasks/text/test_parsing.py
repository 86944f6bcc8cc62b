"""Dependency parsing: rows of sentences, the likelihood of trees, the best tree, and learning without trees."""

import dataclasses
import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data.treebank import Sentence, read_conllu
from vestige.estimators import Exact
from vestige.estimators.specs import ESTIMATORS
from vestige.models.structured.text_parser import Row, best_tree, objective, possible, trace_log_prob
from vestige.models.structured.text_specs import DependencyParserSpec
from vestige.structures import Arborescence, enumerate_traces
from vestige.tasks.text.grammar import sentences
from vestige.tasks.text.packing import PAD, ROOT, UNKNOWN, RowWords, Vocabulary, packed
from vestige.tasks.text.specs import ParseSpec
from vestige.tasks.text.treebank_task import task_of

SMALL = DependencyParserSpec(width=4, arcs=3)
THREE = [
    Sentence(("The", "cat", "sat"), ("DET", "NOUN", "VERB"), (2, 3, 0)),
    Sentence(("Yes",), ("INTJ",), (0,)),
    Sentence(("the", "dog"), ("DET", "NOUN"), (2, 0)),
]


class TestPacking:
    rows = packed(THREE, Vocabulary.of(THREE), 5)

    def test_rows_by_hand(self):
        assert self.rows.sentence.tolist() == [[0, 1, 1, 1, 2], [0, 1, 1, -1, -1]]
        assert self.rows.heads.tolist() == [[-1, 2, 3, 0, 0], [-1, 2, 0, -1, -1]]
        assert self.rows.origin.tolist() == [[-1, 0, 0, 0, 1], [-1, 2, 2, -1, -1]]
        assert self.rows.words[1].tolist() == [ROOT, 3, UNKNOWN, PAD, PAD]  # "the" occurs twice, "dog" once
        assert RowWords.of(THREE, self.rows).rows == (("", "The", "cat", "sat", "Yes"), ("", "the", "dog", "", ""))

    def test_a_sentence_for_which_there_is_no_room_is_named(self):
        with pytest.raises(ValueError, match="sentence 1 has 3 words and a row has room for longest - 1 = 2"):
            packed(THREE, Vocabulary.of(THREE), 3)
        with pytest.raises(ValueError, match="there must be at least one sentence"):
            packed([], Vocabulary.of(THREE), 3)

    def test_long_ones_are_left_out_of_training_and_kept_in_evaluation(self):
        task = task_of(THREE, THREE, longest=3)
        assert task.left_out == 1 and task.train.heads.shape == (2, 3) and task.test.heads.shape[1] == 4
        with pytest.raises(ValueError, match="some to learn from of at most longest - 1 = 0 words; got 3 and 0"):
            task_of(THREE, THREE, longest=1)

    def test_the_grammar_makes_trees(self):
        made = sentences(40, 0)
        text = "\n".join(
            "".join(f"{i}\t{w}\t_\t{t}\t_\t_\t{h}\t_\t_\t_\n" for i, (w, t, h) in enumerate(zip(*s, strict=True), 1))
            for s in made
        )
        assert read_conllu(text, "grammar") == made
        assert sentences(40, 0) == made != sentences(40, 1)


SENTENCE = jnp.array([0, 1, 1, 1, 2, 2, -1], jnp.int32)
HEADS = jnp.array([-1, 2, 0, 2, 5, 0, -1], jnp.int32)


def scores(key, scale=1.0):
    return jnp.where(possible(SENTENCE), scale * jax.random.normal(key, (7, 7)), -jnp.inf)


class TestTrees:
    def test_arcs_stay_within_their_sentence(self):
        found = np.asarray(possible(SENTENCE))
        assert found[0].tolist() == [False, True, True, True, True, True, False]
        assert not found[:, 0].any() and not found[6].any() and not found[1:4, 4:6].any() and not found[4:6, 1:4].any()
        assert found[1].tolist() == [False, False, True, True, False, False, False]

    @pytest.mark.slow
    def test_the_likelihood_is_that_of_the_trace(self, key):
        @jax.jit
        def both(log_rates):
            structure = Arborescence(log_rates, 0, mask=SENTENCE >= 0)
            winners = jnp.concatenate([jnp.where(HEADS >= 0, HEADS * 7 + jnp.arange(7), -1), jnp.full(7, -1)])
            trace = structure.trace(winners.astype(jnp.int32))
            return structure.value(trace), structure.log_prob(trace), trace_log_prob(log_rates, HEADS)

        value, log_prob, ours = both(scores(key))
        np.testing.assert_array_equal(jnp.argmax(value, axis=0)[1:6], HEADS[1:6])
        np.testing.assert_allclose(ours, log_prob, rtol=1e-5)

    def test_its_gradient_is_finite_and_ignores_padding(self, key):
        slopes = jax.jit(jax.grad(lambda s: trace_log_prob(jnp.where(possible(SENTENCE), s, -jnp.inf), HEADS)))(
            jax.random.normal(key, (7, 7))
        )
        assert np.isfinite(slopes).all() and not np.asarray(slopes)[~np.asarray(possible(SENTENCE))].any()

    def test_the_best_tree_is_the_best_of_all(self, key):
        """Among all trees in which either sentence has one root, by enumeration."""
        best = jax.jit(best_tree)
        for place in range(8):
            log_rates = scores(jax.random.fold_in(key, place), scale=3.0)
            table = np.asarray(log_rates)
            whole = best_by_hand(table, (1, 2, 3)) | best_by_hand(table, (4, 5))
            assert np.asarray(best(log_rates, SENTENCE)).tolist() == [-1, *(whole[v] for v in range(1, 6)), -1]


def best_by_hand(table, members) -> Any:
    found, best = {}, -np.inf
    for heads in itertools.product((0, *members), repeat=len(members)):
        chosen = dict(zip(members, heads, strict=True))
        if (
            any(v == h for v, h in chosen.items())
            or list(heads).count(0) != 1
            or not all(rooted(chosen, v) for v in members)
        ):
            continue
        total = sum(table[h, v] for v, h in chosen.items())
        if total > best:
            found, best = chosen, total
    return found


def rooted(heads, at):
    seen = set()
    while at and at not in seen:
        seen.add(at)
        at = heads[at]
    return at == 0


@pytest.fixture(scope="module")
def task():
    return ParseSpec(train=30, test=12, longest=16, labelled=0.5).build(seed=0)


@pytest.mark.slow
def test_metrics_are_those_of_the_parses(task, key):
    model = SMALL.build(task, key=key)
    metrics = eqx.filter_jit(lambda m: task.evaluate(m, size=100, key=key))(model)
    rows = task.test.rows
    log_rates = eqx.filter_jit(jax.vmap(lambda row: model.log_rates(row, key=None)))(rows)
    found = np.asarray(jax.jit(jax.vmap(best_tree))(log_rates, rows.sentence))
    heads, sentence = np.asarray(task.test.heads), np.asarray(rows.sentence)
    words = sentence > 0
    assert float(metrics["uas"]) == pytest.approx((found == heads)[words].mean())
    exact = [
        (found == heads)[r][sentence[r] == s].all() for r in range(len(heads)) for s in range(1, sentence[r].max() + 1)
    ]
    assert float(metrics["exact_parse"]) == pytest.approx(np.mean(exact)) and len(exact) == 12
    place = np.broadcast_to(np.arange(heads.shape[1]), heads.shape)
    first = sentence != np.roll(sentence, 1, axis=1)
    last = sentence != np.roll(sentence, -1, axis=1)
    assert float(metrics["uas_previous"]) == pytest.approx((np.where(first, 0, place - 1) == heads)[words].mean())
    last[:, -1] = True
    assert float(metrics["uas_next"]) == pytest.approx((np.where(last, 0, place + 1) == heads)[words].mean())


@pytest.mark.slow
@pytest.mark.parametrize("tags", [True, False])
def test_trees_and_no_trees_both_teach(tags, task, key):
    """A row without trees must not depend on its heads; one with trees must."""
    model = DependencyParserSpec(width=4, arcs=3, use_tags=tags).build(task, key=key)
    assert model.estimator is not None and not task.all_known
    model = eqx.tree_at(lambda m: m.bilinear, model, jax.random.normal(key, (3, 3)))
    words = jax.random.normal(jax.random.fold_in(key, 1), model.emission.shape)  # at zero all trees cost the same
    model = eqx.tree_at(lambda m: m.emission, model, words)
    batch = task.batch(size=1, key=key)
    example = jax.tree.map(lambda x: x[0], batch)

    @eqx.filter_jit
    def slopes(heads, known):
        targets = {"heads": heads, "known": known}
        text = eqx.tree_at(lambda b: b.targets, example, targets)
        return eqx.filter_grad(lambda m: objective(m, text, key=key)[0])(model)

    true = example.targets["heads"]
    other = jnp.where(true > 0, 0, true)
    for known, same in ((True, False), (False, True)):
        one, two = (slopes(heads, jnp.array(known)) for heads in (true, other))
        assert bool(jnp.allclose(one.bilinear, two.bilinear)) == same
        assert float(jnp.abs(one.bilinear).max()) > 0 and float(jnp.abs(one.emission).max()) > 0


@pytest.mark.parametrize("known", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_without_a_weight_rows_without_trees_teach_nothing(known, task, key):
    model = DependencyParserSpec(width=4, arcs=3, unlabelled=0.0).build(task, key=key)
    assert model.estimator is None
    model = eqx.tree_at(lambda m: m.bilinear, model, jax.random.normal(key, (3, 3)))
    text = jax.tree.map(lambda x: x[0], task.batch(size=1, key=key))
    text = eqx.tree_at(lambda b: b.targets, text, {"heads": text.targets["heads"], "known": jnp.array(known)})
    slopes = eqx.filter_jit(eqx.filter_grad(lambda m: objective(m, text, key=key)[0]))(model)
    learned = [float(jnp.abs(leaf).max()) > 0 for leaf in jax.tree.leaves(slopes)]
    assert any(learned) == known


def test_the_cost_of_a_sentence_without_a_tree_is_that_of_all_its_traces(key):
    task = task_of(THREE[:1], THREE[:1], longest=4)
    spec = DependencyParserSpec(width=4, arcs=3, dropout=0.0, word_dropout=0.0, unlabelled=2.0, entropy=0.3)
    drawn = jax.random.normal(key, (3, 3)), jax.random.normal(key, (task.sizes.tags, 2, task.sizes.tags))
    model = eqx.tree_at(lambda m: (m.bilinear, m.emission), spec.build(task, key=key), drawn)
    model = eqx.tree_at(lambda m: m.estimator, model, Exact(), is_leaf=lambda x: x is None)
    row = jax.tree.map(lambda part: part[0], task.train.rows)

    @eqx.filter_jit
    def both(model):
        every = enumerate_traces(Arborescence(model.log_rates(row, key=None), 0, mask=row.sentence >= 0))
        costs = jnp.sum(every.values * model.reconstruction(row)[None], axis=(1, 2)) + 0.3 * every.log_probs
        found = model.loss(row, task.train.heads[0], jnp.array(False), key=key)
        return found, 2.0 * jnp.sum(jnp.exp(every.log_probs) * costs)

    found, expected = both(model)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_a_batch_has_the_share_of_trees_that_is_given(key):
    spec = ParseSpec(train=60, test=12, longest=16, labelled=0.1)
    task = dataclasses.replace(spec, labelled_share=0.25).build(seed=0)
    known = np.asarray(task.batch(size=8, key=key).targets["known"])
    assert known.sum() == 2 and 0 < task.labelled_rows < len(task.train.known) / 4
    assert task.labelled_rows == np.asarray(task.train.known).sum()
    as_they_come = spec.build(seed=0)
    draws = jax.vmap(lambda k: as_they_come.batch(size=8, key=k).targets["known"])(jax.random.split(key, 50))
    assert len(set(np.asarray(draws).sum(axis=1).tolist())) > 1
    for labelled in (0.0, 1.0):
        with pytest.raises(ValueError, match="labelled_share mixes rows with and without trees, and .* rows have them"):
            dataclasses.replace(spec, labelled=labelled, labelled_share=0.5).build(seed=0)
    with pytest.raises(ValueError, match="labelled_share must be in"):
        ParseSpec(labelled_share=1.5)


@pytest.mark.slow
def test_padding_and_neighbours_change_nothing(key):
    """The scores of a sentence are those that it has alone."""
    task = task_of(THREE, THREE, longest=8)
    model = DependencyParserSpec(width=4, arcs=3).build(task, key=key)
    model = eqx.tree_at(lambda m: m.bilinear, model, jax.random.normal(key, (3, 3)))
    row = jax.tree.map(lambda part: part[0], task.test.rows)
    together = eqx.filter_jit(model.log_rates)(row, key=None)
    places = [i for i, s in enumerate(np.asarray(row.sentence)) if s in (0, 2)]
    alone = Row(
        *(
            jnp.concatenate([p[jnp.array(places)], jnp.full(8 - len(places), q, p.dtype)])
            for p, q in zip(row, (0, 0, 0, -1), strict=True)
        )
    )
    found = eqx.filter_jit(model.log_rates)(alone, key=None)
    size = len(places)
    np.testing.assert_allclose(found[:size, :size], together[np.ix_(places, places)], rtol=1e-4, atol=1e-5)


def test_options_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="sentences without trees need the trace of a draw"):
        DependencyParserSpec(estimator=ESTIMATORS["biased-relaxation"]).check(ParseSpec(labelled=0.5))
    with pytest.raises(ValueError, match="longest must be in"):
        ParseSpec(longest=2)
    with pytest.raises(ValueError, match="labelled must be in"):
        ParseSpec(labelled=1.5)
    with pytest.raises(ValueError, match="train and test must be numbers where sentences are generated"):
        ParseSpec(train=None)
