"""A table of examples as a task, and what a pair says of its rows."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import log_loss

from tests.drawn import drawn
from vestige.errors import UsageError
from vestige.models.tied import PlainForward, exact_completion, exact_log_likelihood
from vestige.models.tied.specs import TiedRowsSpec
from vestige.tasks.order_statistics import Sorted
from vestige.tasks.predictions import AbstractSurprises
from vestige.tasks.tied.labels import indicators
from vestige.tasks.tied.loading import table_task, unread_table
from vestige.tasks.tied.row_answers import class_probabilities, completions, features, log_densities, sampled_rows
from vestige.tasks.tied.row_tally import PredictedRows, RowTally
from vestige.tasks.tied.rows import LabelledTable
from vestige.tasks.tied.table_specs import LabelledTableSpec

SPEC = LabelledTableSpec(inputs="alcohol,hue,flavanoids", samples=3)


@pytest.fixture(scope="module")
def task():
    return SPEC.build(seed=0)


@pytest.fixture(scope="module")
def net(task):
    return drawn(lambda key: TiedRowsSpec("3").build(task, key=key), seed=1, scale=0.6).resolve()


def test_the_example_is_split_by_class_and_starts_at_its_means(task):
    assert task.train.shape == (142, 3) and task.test.shape == (36, 3)
    assert np.bincount(task.test_labels).tolist() == [12, 14, 10]  # of 59, 71 and 48
    means = task.visible.family.mean(task.bias)
    np.testing.assert_allclose(means, task.train.mean(axis=0), atol=1e-5)
    batch = task.batch(size=4, key=jax.random.key(0))
    assert batch.inputs.shape == (4, 3) and batch.targets.shape == (4, 3)


def test_a_task_is_built_again_from_what_was_fitted_and_without_its_data(task):
    fitted = SPEC.fitted(task)
    again = SPEC.build_fitted(fitted, seed=0)
    np.testing.assert_array_equal(again.test, task.test)
    unread = SPEC.without_data()
    assert unread.sources() == ()
    bare = unread.build_fitted(fitted, seed=0)
    assert bare.unread and bare.layout.classes == task.layout.classes
    build = TiedRowsSpec("3").build
    shapes = [jax.tree.map(jnp.shape, eqx.filter_eval_shape(build, t, key=jax.random.key(0))) for t in (task, bare)]
    assert jax.tree.leaves(shapes[0]) == jax.tree.leaves(shapes[1])


def test_few_labels_hide_the_others_and_too_few_are_refused(task):
    few = LabelledTableSpec(labels_per_class=5, samples=1).build(seed=1)
    assert few.train_labels.sum(axis=0).tolist() == [5, 5, 5] and few.train.shape[0] == 142
    other = LabelledTableSpec(labels_per_class=5, samples=1).build(seed=2)
    assert not np.array_equal(other.train_labels, few.train_labels)
    with pytest.raises(UsageError, match="has 47 examples, 50 were requested"):
        LabelledTableSpec(labels_per_class=50).build(seed=0)
    with pytest.raises(UsageError, match="has no column of classes"):
        LabelledTableSpec(labels_per_class=5, outcome="", ignored="class").build(seed=0)


def test_classes_of_whole_rows_are_those_of_the_forward_pass_in_whatever_chunks(task, net):
    rows = np.asarray(task.test)
    found = class_probabilities(net, rows)
    wanted = jax.jit(jax.vmap(lambda x: jax.nn.softmax(PlainForward().log_top(net, x, key=jax.random.key(0)))))
    np.testing.assert_allclose(found, wanted(task.test), rtol=1e-5)
    np.testing.assert_allclose(class_probabilities(net, rows[:3]), found[:3], rtol=1e-5)


def test_rows_with_gaps_are_answered_by_sums_over_hidden_states(task, net):
    rows = np.asarray(task.test)[:4].copy()
    rows[0, 0] = rows[1, 1] = rows[1, 2] = np.nan
    exact = jax.jit(exact_log_likelihood)(net, jnp.asarray(rows))
    np.testing.assert_allclose(log_densities(net, rows, samples=1000), exact, atol=0.1)
    mean, draws = completions(net, rows, draws=20, samples=1000)
    exactly = jax.jit(jax.vmap(lambda x: exact_completion(net, jnp.nan_to_num(x), ~jnp.isnan(x))))
    wanted = exactly(jnp.asarray(rows))
    np.testing.assert_allclose(mean, wanted, atol=0.1)
    assert draws.shape == (20, 4, 3) and np.all(draws[:, 2] == rows[2]) and draws[:, 1, 1].std() > 0


def test_features_and_samples(task, net):
    rows = np.asarray(task.test).copy()
    rows[0, 1] = np.nan
    found = features(net, rows)
    assert found.shape == (36, 3) and np.all((found > 0) & (found < 1))
    drawn_rows, top = sampled_rows(net, 5, seed=0)
    assert drawn_rows.shape == (5, 3) and np.all(top.sum(axis=1) == 1)
    assert not np.array_equal(sampled_rows(net, 5, seed=1)[0], drawn_rows)


@pytest.mark.slow
def test_metrics_are_finite_where_values_are_missing(task):
    gaps = np.where(np.random.default_rng(0).random(task.test.shape) < 0.3, np.nan, task.test)
    lacking = eqx.tree_at(lambda t: t.test, task, jnp.asarray(gaps))
    model = drawn(lambda key: TiedRowsSpec("3").build(task, key=key))
    found = eqx.filter_jit(lambda t, m: t.evaluate(m, size=20, key=jax.random.key(0)))(lacking, model)
    assert all(np.isfinite(value) for value in found.values())
    bounds = lacking.bounds(found)
    assert bounds["label_nll"]["chance"] == pytest.approx(np.log(3), abs=0.1)


def test_a_tally_in_parts_is_that_of_the_whole():
    noise = np.random.default_rng(0)
    probabilities = noise.dirichlet(np.ones(3), 40)
    labels = np.where(np.arange(40) % 7 == 0, -1, noise.integers(0, 3, 40))
    parts, whole = RowTally(), RowTally()
    density, surprise = noise.normal(size=40), np.where(np.arange(40) == 3, np.nan, noise.normal(size=40))
    of = lambda some: (probabilities[some], density[some], labels[some], surprise[some], np.ones(40)[some])
    for some in (slice(0, 13), slice(13, 40)):
        parts.add(PredictedRows(some.start, *of(some)))
    whole.add(PredictedRows(0, *of(slice(0, 40))))
    known = labels >= 0
    found = parts.summary()
    assert found.cross_entropy == pytest.approx(log_loss(labels[known], probabilities[known]))
    assert found.accuracy == np.mean(probabilities[known].argmax(axis=1) == labels[known])
    assert found.ece == pytest.approx(whole.summary().ece) and found.mean_log_density == pytest.approx(density.mean())
    assert found.missing == 1 and found.mean_surprise == pytest.approx(np.nanmean(surprise))
    assert RowTally().summary().accuracy is None
    assert "No row has a class" in RowTally().summary().lines()[1]


class TestScores:
    """Of a table with a tenth row that is unlike all others, one that is missing in part, and an empty one."""

    def table(self, task, rows):
        found = {name: np.array(cells, float) for name, cells in task.layout.decoded(rows).items()}
        found["hue"][9] = 40.0
        found["hue"][1] = np.nan
        for name in found:
            found[name][2] = np.nan
        return found

    def test_rare_rows_are_alarms_and_tails_count_held_out_rows(self, task):
        model = drawn(lambda key: TiedRowsSpec("3").build(task, key=key))
        rows = np.asarray(task.test)
        predictions = task.predictor(model, None).predictions(self.table(task, rows[:12]))
        assert isinstance(predictions, AbstractSurprises) and predictions.least_tail == pytest.approx(1 / 37)
        (chunk,) = list(predictions)
        tail, net = predictions.tail(chunk), model.resolve()
        held_out = -log_densities(net, rows)
        for place in (0, 1, 5, 9):
            more = np.sum(held_out >= chunk.surprise[place] * (1.5 if place == 1 else 1))
            assert tail[place] == pytest.approx((1 + more) / 37)
        assert tail[9] == predictions.least_tail and np.isnan(tail[2]) and chunk.missing.tolist().index(True) == 2
        assert predictions.counted()[:2] == (12, 1)
        np.testing.assert_allclose(chunk.surprise[[0, 5]], held_out[[0, 5]], rtol=1e-5)
        scaled = task.layout.log_units(rows[:1])[0]
        assert chunk.log_density[0] == pytest.approx(scaled - held_out[0], rel=1e-5)

    def test_surprises_are_kept_and_without_them_the_held_out_rows_are_read(self, task):
        model = drawn(lambda key: TiedRowsSpec("3").build(task, key=key))
        kept = Sorted.of(np.arange(5.0)[:, None]).as_arrays("surprise")
        assert task.predictor(model, kept).held_out.least_tail == pytest.approx(1 / 6)
        assert task.predictor(model, {}) is None
        with pytest.raises(UsageError, match="the stored calibration is damaged"):
            task.predictor(model, {**kept, "calibration_surprise": np.zeros((2, 5))})
        with pytest.raises(UsageError, match="were not read"):
            unread_table(task.layout, 1).predictor(model, None)


def test_the_program_of_a_row_is_what_predict_says_of_its_values(task):
    """From the values of the table, by the words of the card."""
    model = drawn(lambda key: TiedRowsSpec("3").build(task, key=key))
    program = task.program(model, None)
    raw = {name: float(cells[0]) for name, cells in task.layout.decoded(np.asarray(task.test[:1])).items()}
    sums = [
        part.replace(f"'{name}'", str(raw[name]))
        for name, part in zip(raw, program.inputs["row"].split("; "), strict=True)
    ]
    row = np.array([eval(each) for each in sums], np.float32)  # such as (13.2 - 13.01) / 0.81
    (found,) = jax.jit(program.function)(row)
    np.testing.assert_allclose(found, class_probabilities(model.resolve(), np.asarray(task.test[:1]))[0], rtol=1e-4)
    assert program.outputs["probabilities"] == f"of {', '.join(map(repr, task.layout.classes))}"
    alike = LabelledTableSpec(inputs="alcohol,hue", outcome="", ignored="class", samples=1).build(seed=0)
    assert alike.program(drawn(lambda key: TiedRowsSpec("3").build(alike, key=key)), None) is None


def test_what_is_no_task_is_refused(task):
    rows = SPEC.rows(seed=0)
    with pytest.raises(UsageError, match="holds no class in the rows of the training"):
        table_task(rows._replace(train_labels=np.full(142, -1, np.int32)), labels_per_class=None, samples=1, seed=0)
    with pytest.raises(ValueError, match="samples must be at least 1"):
        LabelledTable(task.train, task.train_labels, task.test, task.test_labels, task.layout, 0)
    with pytest.raises(ValueError, match="has 142 images and 35 labels"):
        LabelledTable(
            task.train, jnp.asarray(indicators(np.zeros(35, int), 3)), task.test, task.test_labels, task.layout
        )
    for kinds in ("a", "a=", "=number"):
        with pytest.raises(ValueError, match="kinds must be A=number,B=class"):
            LabelledTableSpec(kinds=kinds)
    with pytest.raises(ValueError, match=r"held_out must be in \(0, 1\)"):
        LabelledTableSpec(held_out=1.0)
    with pytest.raises(ValueError, match="these data are none; write sizes"):
        TiedRowsSpec("4c3-8")
    assert unread_table(task.layout, 1).test.shape == (1, 3)
