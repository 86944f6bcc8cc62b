"""Nested list operations: data, metrics, models and the gradient that reaches the scores of arcs."""

import dataclasses
import random
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from vestige.data.expressions import CLOSE, PAD, VOCABULARY, as_arrays, parsed
from vestige.estimators import Exact, LeaveOneOut
from vestige.estimators.specs import ESTIMATORS
from vestige.models.structured.text_arcs import ARCS
from vestige.models.structured.text_classifiers import LatentArcs, as_arcs, cross_entropy, entropy_of_heads, objective
from vestige.models.structured.text_messages import MessageClassifier
from vestige.models.structured.text_scorer import ArcScorer
from vestige.models.structured.text_specs import GivenArcsSpec, LatentArcsSpec, RecurrentClassifierSpec
from vestige.tasks.text.agreement import agreement
from vestige.tasks.text.generator import drawn, expressions, generated
from vestige.tasks.text.listops import Expressions, NestedExpressions
from vestige.tasks.text.specs import ListOpsSpec
from vestige.typing import Batch

SPEC = ListOpsSpec(depths=2, longest=12, train=30, test=10)
OPERATORS = ("[MAX", "[MED", "[MIN")


def text(words, longest) -> Any:
    one = parsed(words)
    tokens = [VOCABULARY.index(token) for token in one.tokens]
    padded = jnp.array(tokens + [PAD] * (longest - len(tokens)), jnp.int32)
    heads = jnp.array([*one.heads, *[-1] * (longest - len(tokens))], jnp.int32)
    return Batch(padded, {"label": jnp.array(one.value, jnp.int32), "heads": heads}, mask=padded != PAD)


class TestGenerator:
    def test_depth_length_and_operators_are_as_asked(self):
        found = generated(3, (20, 5, 10), 20, OPERATORS, 0)
        assert [len(part.values) for part in found] == [60, 15, 30]
        assert found.train.depths.tolist() == 20 * [1] + 20 * [2] + 20 * [3]
        lengths = (found.train.tokens != PAD).sum(axis=1)
        assert lengths.max() <= 20 and lengths[found.train.depths > 1].min() >= 10
        rows = [tuple(row) for part in found for row in part.tokens]
        assert len(set(rows)) == len(rows)  # none occurs twice, not even in two parts

    def test_values_are_those_of_the_expressions(self):
        found = generated(2, (30, 0, 1), 15, OPERATORS, 1).train
        for tokens, value in zip(found.tokens, found.values, strict=True):
            assert parsed(" ".join(VOCABULARY[t] for t in tokens if t != PAD)).value == value

    def test_it_is_a_function_of_the_seed(self):
        same, again, other = (generated(1, (20, 0, 1), 10, OPERATORS, seed).train.tokens for seed in (0, 0, 1))
        assert (same == again).all() and not (same == other).all()

    def test_shape_of_a_draw_at_depth_two(self):
        """At the top a list of 2 to 5 values, each a list with probability 1/4, given that one of them is."""
        rng = random.Random(0)
        draws = [tokens for tokens in (drawn(2, 100, OPERATORS, rng) for _ in range(400)) if tokens]
        lists = np.array([tokens.count(CLOSE) - 1 for tokens in draws])
        sizes = np.arange(2, 6)
        some = 1 - 0.75**sizes
        expected = np.mean(0.25 * sizes) / np.mean(some)  # E[lists] / P(at least one)
        assert abs(lists.mean() - expected) < 4 * lists.std() / np.sqrt(len(lists))

    def test_too_many_of_too_few_are_refused(self, monkeypatch):
        monkeypatch.setattr("vestige.tasks.text.generator.PATIENCE", 20)
        with pytest.raises(ValueError, match="of 400 different expressions of depth 1 with at most 4 tokens only "):
            expressions(1, 400, 4, OPERATORS[:1], random.Random(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depths": 0}, r"depths must be in \[1, 20\], got 0"),
        ({"longest": 15, "depths": 5}, "longest must be at least 16 for depths = 5, got 15"),
        ({"train": 0}, "train must be at least 1"),
        ({"test": 0}, "test must be at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ListOpsSpec(**options)


def test_estimators_that_are_not_defined_are_refused():
    spec = LatentArcsSpec(estimator=ESTIMATORS["leave-one-out-set"])
    with pytest.raises(ValueError, match="needs a structure with set probability .*, and arborescence has none"):
        spec.check(SPEC)
    LatentArcsSpec(arcs="independent", estimator=ESTIMATORS["biased-relaxation"]).check(SPEC)


class TestAgreement:
    """Arcs counted by hand: 0 -> 1, 0 -> 2, 2 -> 3 are true."""

    true = as_arcs(jnp.array([-1, 0, 0, 2]))

    def of(self, heads, counted=None):
        found = as_arcs(jnp.array(heads)) if isinstance(heads, list) else heads
        return [float(x) for x in agreement(found, self.true, counted)]

    def test_all_right_and_all_wrong(self):
        assert self.of([-1, 0, 0, 2]) == [1, 1, 1]
        assert self.of([-1, 2, 3, 0]) == [0, 0, 0]

    def test_more_arcs_than_there_are(self):
        assert self.of(jnp.ones((4, 4))) == [3 / 16, 1, 0]

    def test_fewer_arcs(self):
        assert self.of([-1, 0, -1, -1]) == [1, pytest.approx(1 / 3), 0]
        assert self.of([-1, -1, -1, -1]) == [0, 0, 0]

    def test_arcs_of_what_does_not_count_are_left_out(self):
        assert self.of([-1, 0, 0, 1], jnp.array([True, True, True, False])) == [1, 1, 1]


class TestMessages:
    def make(self, one_head, key, rounds=3, dropout=0.0):
        return MessageClassifier(19, 5, 10, rounds, dropout, one_head=one_head, key=key)

    @pytest.mark.parametrize("training", [True, False])
    def test_one_head_is_the_same_for_less_work(self, training, key):
        example = text("[MAX 2 [MIN 3 4 ] 1 ]", 12)
        arcs = as_arcs(example.targets["heads"])
        noise = jax.random.key(7) if training else None
        read = lambda one_head: self.make(one_head, key, dropout=0.5)(example.inputs, arcs, example.mask, key=noise)
        np.testing.assert_allclose(read(True), read(False), rtol=2e-5, atol=1e-6)

    def test_the_messages_by_hand(self, key):
        """As the definition says, arc by arc in plain loops."""
        example = text("[MAX 2 [MIN 3 4 ] ]", 9)
        model = self.make(False, key, rounds=2)
        rng = np.random.default_rng(0)
        arcs = rng.uniform(size=(9, 9)) * np.asarray(example.mask)[:, None] * np.asarray(example.mask)[None, :]
        known = np.where(np.asarray(example.mask)[:, None], np.asarray(model.embedding(example.inputs)), 0.0)
        w_head, w_token, b1 = model.to_head.weight, model.of_token.weight, model.of_token.bias
        for _ in range(2):
            after = known.copy()
            for u in range(9):
                for v in range(9):
                    hidden = np.maximum(
                        np.asarray(w_head) @ known[u] + np.asarray(w_token) @ known[v] + np.asarray(b1), 0
                    )
                    after[u] += arcs[u, v] * (
                        np.asarray(model.message.weight) @ hidden + np.asarray(model.message.bias)
                    )
            known = after
        expected = model.decoder(jnp.asarray(known[0], jnp.float32))
        found = model(example.inputs, jnp.asarray(arcs, jnp.float32), example.mask, key=None)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("one_head", [True, False])
    def test_padding_changes_nothing(self, one_head, key):
        model = self.make(one_head, key)
        found = []
        for longest in (8, 12):
            example = text("[MAX 2 [MIN 3 4 ] ]", longest)
            found.append(model(example.inputs, as_arcs(example.targets["heads"]), example.mask, key=None))
        np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)


def small(arcs, estimator, key, longest, dropout=0.0) -> Any:
    hard = ARCS[arcs].one_head
    return LatentArcs(
        ArcScorer(19, 4, dropout, key=key),
        MessageClassifier(19, 4, 10, 2, dropout, one_head=hard, key=jax.random.fold_in(key, 1)),
        estimator,
        ARCS[arcs],
        jnp.array(0.0),
    )


def test_entropy_of_heads_by_hand():
    scores = jnp.log(
        jnp.array([[9.0, 1.0, 1.0, 5.0], [9.0, 9.0, 3.0, 5.0], [9.0, 1.0, 9.0, 5.0], [9.0, 9.0, 9.0, 9.0]])
    )
    found = entropy_of_heads(scores, jnp.array([True, True, True, False]))
    expected = np.log(2) + np.log(4) - 0.75 * np.log(3)  # heads of token 1: 1/2 and 1/2; of token 2: 1/4 and 3/4
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("arcs", ["arborescence", "spanning-tree"])  # `Exact` takes no mask
def test_the_gradient_is_that_of_the_exact_expectation(arcs, key):
    """Of all parameters of scorer and classifier, by enumeration of the traces of three tokens and a bracket."""
    example = text("[MIN 3 7 ]", 4)
    model = small(arcs, Exact(), key, 4)
    slopes = eqx.filter_jit(eqx.filter_grad(lambda m, k: m.loss(example, key=k)))
    exact = ravel_pytree(slopes(model, key))[0]
    sampled = eqx.tree_at(lambda m: m.estimator, model, LeaveOneOut(4))
    many = eqx.filter_jit(
        lambda keys: jax.lax.map(
            lambda k: ravel_pytree(eqx.filter_grad(lambda m: m.loss(example, key=k))(sampled))[0],
            keys,
            batch_size=500,
        )
    )
    found = many(jax.random.split(key, 4000))
    error = found.std(axis=0) / np.sqrt(len(found))
    assert float(jnp.linalg.norm(exact)) > 0.1
    worst = jnp.max(jnp.where(error > 1e-7, jnp.abs(found.mean(axis=0) - exact) / jnp.maximum(error, 1e-7), 0.0))
    assert worst < 5.5  # the largest of about 600 coordinates
    along = found @ exact / jnp.linalg.norm(exact)  # and one number, at 4 standard errors
    assert abs(float(along.mean() - jnp.linalg.norm(exact))) < 4 * float(along.std()) / np.sqrt(len(found))


@pytest.fixture(scope="module")
def task():
    return SPEC.build(seed=0)


MODELS = {
    "arborescence": LatentArcsSpec(width=5, rounds=2),
    "relaxed": LatentArcsSpec(width=5, rounds=2, estimator=ESTIMATORS["biased-relaxation"]),
    "given": GivenArcsSpec(width=5, rounds=2),
    "recurrent": RecurrentClassifierSpec(width=5),
    "spanning-tree": LatentArcsSpec(width=5, rounds=2, arcs="spanning-tree"),
    "independent": LatentArcsSpec(width=5, rounds=2, arcs="independent"),
    "relax": LatentArcsSpec(width=5, rounds=2, estimator=ESTIMATORS["relax"]),
    "times": LatentArcsSpec(width=5, rounds=2, estimator=ESTIMATORS["leave-one-out-times"]),
}
LONG = {"arborescence", "spanning-tree", "independent", "relax", "times", "relaxed"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in MODELS])
@pytest.mark.few(1)
def test_every_row_has_a_loss_a_gradient_and_metrics(name, task, key):
    model = MODELS[name].build(task, key=key)
    batch = task.batch(size=2, key=key)

    def loss(model):
        values, _ = jax.vmap(lambda row, k: objective(model, row, key=k))(batch, jax.random.split(key, 2))
        return jnp.mean(values)

    value, slopes = eqx.filter_jit(eqx.filter_value_and_grad(loss))(model)
    assert np.isfinite(value) and -5 < float(value) < -1
    learned = slopes.classifier.embedding if name != "recurrent" else slopes.embedding
    assert float(jnp.abs(learned.table).max()) > 0
    if "scorer" in vars(model):
        assert float(jnp.abs(slopes.scorer.embedding.table).max()) > 0
    metrics = eqx.filter_jit(lambda m: task.evaluate(m, size=4, key=key))(model)
    assert all(0 <= float(v) <= 1 for n, v in metrics.items() if n != "loss")
    assert ("arc_precision" in metrics) == (name != "recurrent")
    if name == "given":
        assert metrics["arc_precision"] == metrics["clean_recall"] == metrics["exact_parse"] == 1
    if name in ("arborescence", "relax", "times", "relaxed"):
        assert float(metrics["arc_precision"]) == pytest.approx(float(metrics["arc_recall"]))


def test_diagnostics_are_over_all_by_depth(task, key):
    model = GivenArcsSpec(width=5, rounds=2).build(task, key=key)
    found = task.diagnostics(model, size=3, key=key)
    assert found.metrics["accuracy"] == pytest.approx(
        (found.metrics["accuracy_depth_1"] + found.metrics["accuracy_depth_2"]) / 2
    )
    assert found.arrays["parse_words"].shape == found.arrays["parse_heads"].shape == (8, 12)
    np.testing.assert_array_equal(found.arrays["parse_heads"], found.arrays["parse_true"])
    assert found.bounds["accuracy"]["best"] == 1 and 0 < found.bounds["accuracy"]["chance"] < 0.5


def test_chance_of_arcs_is_that_of_a_star():
    """[MAX 2 [MIN 3 4 ] 1 ]: of 7 arcs those of 2, of [MIN, of 1 and of the last bracket leave the first token."""
    rows = Expressions.of(as_arrays([parsed("[MAX 2 [MIN 3 4 ] 1 ]"), parsed("[MIN 3 1 ]")], 10))
    names = ("arc_precision", "clean_precision", "exact_parse_mode", "arc_precision_depth_1", "arc_precision_depth_2")
    bounds = NestedExpressions(rows, rows).bounds(dict.fromkeys(names, 0.0))
    expected = [(4 / 7 + 1) / 2, (3 / 5 + 1) / 2, 0.5, 1.0, 4 / 7]
    assert [bounds[name]["chance"] for name in names] == pytest.approx(expected)
    assert "clean_recall" not in bounds


def test_a_text_that_is_no_row_is_refused(key):
    model = small("arborescence", LeaveOneOut(2), key, 4)
    right = text("[MIN 3 ]", 4)
    with pytest.raises(ValueError, match="tokens must lie between 0 and 18; got 0 to 40"):
        model.read(dataclasses.replace(right, inputs=jnp.array([12, 0, 40, 14])), key=None)
    with pytest.raises(ValueError, match="padding must come after the last token"):
        model.read(dataclasses.replace(right, mask=jnp.array([True, False, True, True])), key=None)
    with pytest.raises(ValueError, match="the first position is the root and must be there"):
        model.read(dataclasses.replace(right, mask=jnp.array([False, False, False, False])), key=None)


@pytest.mark.slow
def test_a_text_of_one_token_is_its_own_tree(key):
    model = small("arborescence", LeaveOneOut(2), key, 3)
    reading = eqx.filter_jit(lambda t: model.read(t, key=key))(text("7", 3))
    assert float(jnp.abs(reading.arcs).sum()) == 0 and np.isfinite(reading.logits).all()
    assert np.isfinite(float(cross_entropy(reading.logits, jnp.array(7))))
