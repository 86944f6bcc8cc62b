"""A learner of a stream: what it predicts, what it refuses, and that nothing depends on how rows come."""

import dataclasses
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige
from vestige.errors import UsageError
from vestige.models.filters.specs import AutoregressiveSpec, FactorSpec, RVAESpec
from vestige.online import Learner
from vestige.online.advance import advance
from vestige.storage.durable import DamagedFile

SMALL = AutoregressiveSpec(order=2, penalty=1e-3, width=0, noise="learned")
SCALE, LEVEL = np.array([1.0, 100.0]), np.array([0.0, 1e7])


def walked(steps, seed=0, law=((0.7, 0.2), (-0.3, 0.5))):
    rng = np.random.default_rng(seed)
    rows = np.zeros((steps, 2))
    for t in range(1, steps):
        rows[t] = np.asarray(law) @ rows[t - 1] + rng.normal(size=2)
    return LEVEL + SCALE * rows


ROWS = walked(400)


def learner(**options):
    return Learner(SMALL, **{"warmup": 50, **options})


def trained(rows=ROWS, **options):
    made = learner(**options)
    return made, made.partial_fit(rows)


def test_rows_and_blocks_give_the_same():
    whole, surprise = trained()
    split = learner()
    parts = [split.partial_fit(ROWS[:30]), split.partial_fit(ROWS[30:75])]
    parts.append([split.partial_fit(row) for row in ROWS[75:95]])
    parts.append(split.partial_fit(ROWS[95:]))
    np.testing.assert_array_equal(np.concatenate(parts), surprise)
    assert eqx.tree_equal(split.begun.state, whole.begun.state) and split.rows == whole.rows == 400


def test_nothing_is_compiled_again():
    trained()
    before = advance._cached._cache_size()
    made = learner(seed=3, rate=1e-2)
    made.partial_fit(ROWS[:60])
    for size in (1, 7, 256, 300):
        made.partial_fit(ROWS[:size])
    made.score(ROWS[:3])
    assert advance._cached._cache_size() <= before + 1  # the rate is part of the plan


def test_surprise_is_in_nats_of_the_streams_units():
    """Close to the entropy of the noise, log σ of every value included; a unit of another size adds its logarithm."""
    _, surprise = trained(walked(3000))
    entropy = np.log(2 * np.pi * np.e) + np.log(SCALE).sum()
    assert abs(surprise[500:].mean() - entropy) < 0.15
    _, other = trained((ROWS - LEVEL) * 1000)
    _, same = trained(ROWS - LEVEL)
    np.testing.assert_allclose((other - same)[50:], 2 * np.log(1000), atol=2e-3)
    assert np.isnan(same[:50]).all()


def test_the_first_prediction_is_that_of_its_density():
    """An oracle for the Jacobian: the mean of exp(-surprise) over the values that may come integrates to one."""
    made, _ = trained(ROWS[:, :1])
    grid = made.predict().mean + np.linspace(-30, 30, 1201)[:, None]
    logs = np.array([made.score(value) for value in grid[::4]])
    assert abs(np.trapezoid(np.exp(logs), grid[::4, 0]) - 1) < 1e-3


def test_predictions_follow_a_change():
    """Against those who know the law: well after the change the error is near the noise, and at it far from it."""
    rows = np.concatenate([walked(1500), LEVEL + (walked(1500, 1, ((-0.9, 0.0), (0.0, -0.9))) - LEVEL)])
    _, surprise = trained(rows)
    entropy = np.log(2 * np.pi * np.e) + np.log(SCALE).sum()
    assert surprise[1500:1530].mean() - entropy > 0.7 and abs(surprise[2000:].mean() - entropy) < 0.2


def test_intervals_cover_what_they_say():
    made = learner(interval=0.8)
    rows = walked(700)
    made.partial_fit(rows[:400])
    inside = []
    for row in rows[400:]:
        expected = made.predict()
        inside.append((expected.low <= row) & (row <= expected.high))
        made.partial_fit(row)
    assert abs(np.mean(inside) - 0.8) < 0.05
    assert np.all(expected.low < expected.mean) and np.all(expected.mean < expected.high)


def test_predict_says_what_partial_fit_then_measures():
    made, _ = trained()
    before = made.predict()
    row = before.mean + np.array([0.0, np.nan])
    alone = -made.score(row)
    assert made.partial_fit(row) == alone


def test_missing_values_count_one_by_one():
    gaps = ROWS.copy()
    gaps[100:110, 0], gaps[120:125] = np.nan, np.nan
    _, surprise = trained(gaps)
    assert np.isnan(surprise[120:125]).all() and np.isfinite(surprise[125:]).all()
    _, whole = trained()
    assert np.all(surprise[100:110] != whole[100:110]) and np.isfinite(surprise[100:110]).all()
    np.testing.assert_array_equal(surprise[50:100], whole[50:100])
    np.testing.assert_allclose(surprise[200:], whole[200:], atol=1.0)


def test_score_leaves_the_learner_as_it_is():
    made, _ = trained()
    state = made.begun.state
    assert np.isfinite(made.score(ROWS[:20])) and made.begun.state is state and made.rows == 400


@pytest.mark.parametrize("rows", [0, 30, 50, 173])
def test_a_stored_learner_goes_on_bit_for_bit(tmp_path, rows):
    path = tmp_path / "learner.safetensors"
    made = learner()
    names = {"a": ROWS[:rows, 0], "b": ROWS[:rows, 1]}
    if rows:
        made.partial_fit(Frame(names))
    made.save(path)
    again = Learner.load(path)
    assert again.names == made.names and again.rows == rows and again.model == SMALL
    further = ROWS[rows : rows + 100]
    np.testing.assert_array_equal(again.partial_fit(further), made.partial_fit(further))
    if made.begun:
        assert eqx.tree_equal(again.begun.state, made.begun.state)
        np.testing.assert_array_equal(again.predict(), made.predict())
    assert list(tmp_path.iterdir()) == [path]


class Frame(dict):
    """Of columns, as pandas and polars have them."""

    columns = property(lambda self: list(self))


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "learner.safetensors"
    trained()[0].save(path)
    stored = bytearray(path.read_bytes())
    stored[-5] ^= 1
    path.write_bytes(bytes(stored))
    with pytest.raises(DamagedFile, match="is not what was written"):
        Learner.load(path)
    path.write_bytes(bytes(stored[:100]))
    with pytest.raises(DamagedFile, match="no sound safetensors"):
        Learner.load(path)
    with pytest.raises(UsageError, match="there is no such file"):
        Learner.load(tmp_path / "none")
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(UsageError, match="is not the file of a Learner"):
        Learner.load(path)


def test_an_update_that_explodes_is_left_out_and_said():
    """A learner whose usual gradient is tiny: the next is far beyond it, and neither weights nor moments move."""
    made, _ = trained(ROWS[:399])
    state = dataclasses.replace(made.begun.state, usual=jnp.asarray(1e-12), waiting=jnp.asarray(9, jnp.int32))
    made.begun = made.begun._replace(state=state)
    with pytest.warns(RuntimeWarning, match="the update at row 400 had a gradient far beyond the usual"):
        made.partial_fit(ROWS[399])
    assert made.left_out == 1
    np.testing.assert_array_equal(made.begun.state.model.shift, state.model.shift)
    assert eqx.tree_equal(made.begun.state.optimiser, state.optimiser)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.begun = made.begun._replace(state=dataclasses.replace(made.begun.state, usual=jnp.asarray(1.0)))
        made.partial_fit(ROWS[:20])


def test_an_update_that_is_not_finite_is_left_out_and_said():
    made, _ = trained(ROWS[:399])
    broken = dataclasses.replace(made.begun.state, delayed=jnp.full((10, 2), 1e38), waiting=jnp.asarray(9, jnp.int32))
    made.begun = made.begun._replace(state=broken)
    with pytest.warns(RuntimeWarning, match="was not finite and is left out"):
        made.partial_fit(ROWS[399])
    assert np.isfinite(made.partial_fit(ROWS[:5])).all()


def test_units_follow_the_rows_where_they_have_a_memory():
    """Against Welford's recursion, value by value, in float64; blocks give what rows give."""
    rows = walked(300)
    rows[150:, 1] = LEVEL[1] + 5 * (rows[150:, 1] - LEVEL[1])
    rows[200:210, 0] = np.nan
    made, surprise = trained(rows, memory=40.0)
    gain = 1 - np.exp(-1 / 40)
    mean, variance = rows[:50].mean(axis=0), rows[:50].var(axis=0)
    for row in rows[50:]:
        there = ~np.isnan(row)
        missed = np.where(there, row - mean, 0.0)
        mean = mean + gain * missed
        variance = np.where(there, (1 - gain) * (variance + gain * missed**2), variance)
    np.testing.assert_allclose(made.begun.units.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(made.begun.units.scale, np.sqrt(variance), rtol=1e-9)
    split = learner(memory=40.0)
    parts = [split.partial_fit(rows[:130]), [split.partial_fit(row) for row in rows[130:140]]]
    np.testing.assert_allclose(np.concatenate([*parts, split.partial_fit(rows[140:])]), surprise, rtol=1e-12)


def test_names_are_kept_and_compared():
    made = learner()
    made.partial_fit({"a": 1.0, "b": 2})
    made.partial_fit({"b": None, "a": True})
    np.testing.assert_array_equal(made.early, [[1, 2], [1, np.nan]])
    with pytest.raises(UsageError, match=r"columns of the stream are a, b, got others \(absent: b; not known: c\)"):
        made.partial_fit({"a": 1.0, "c": 2.0})
    with pytest.raises(UsageError, match="not known: c"):
        made.partial_fit({"a": 1.0, "b": 2.0, "c": 2.0})
    assert made.rows == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([1.0, 2.0, 3.0], "the stream has 2 values a row, got 3; a block of rows is an array"),
        (5.0, "the stream has 2 values a row, got 1"),
        (np.zeros((3, 1)), "the stream has 2 values a row, got 1"),
        (np.zeros((2, 2, 2)), r"must be an array \(values,\) or \(rows, values\), got \[2, 2, 2\]"),
        ([[1.0, 2.0], [3.0]], "rows must be an array"),
        (["a", "b"], "column 'value 0' must hold numbers, got a"),
        ([[1.0, 2.0], [3.0, "x"]], "column 'value 0' must hold numbers, got 1.0"),
        (np.array([[1.0, 2.0], [3.0, "x"]], object), "column 'value 1', row 2: a number is expected, got x"),
        ([[0.0, 1.0], [np.inf, 1.0]], "column 'value 0', row 2: a finite number is expected, got inf"),
        ([1j, 0], "column 'value 0' must hold numbers"),
        ([], "the stream has 2 values a row, got 0|at least one value"),
    ],
)
def test_bad_rows_are_named_and_change_nothing(rows, said):
    made = learner()
    made.partial_fit(ROWS[:3])
    with pytest.raises(UsageError, match=said):
        made.partial_fit(rows)
    assert made.rows == 3


def test_a_value_without_a_scale_is_named():
    for column, said in ((np.nan, "'?value 0'? held no value|value 0 held no value"), (3.0, "value 0 never changed")):
        rows = ROWS[:60].copy()
        rows[:, 0] = column
        made = learner()
        with pytest.raises(UsageError, match=said):
            made.partial_fit(rows)
        assert made.rows == 0 and made.early is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "gtmm"}, "model must be a filter"),
        ({"kind": "words"}, "kind must be one of numbers, counts, bits, got words"),
        ({"warmup": 9}, "warmup must be a whole number in 10"),
        ({"warmup": 1.5}, "warmup must be a whole number"),
        ({"interval": 1.0}, r"interval must be in \(0, 1\), got 1"),
        ({"rate": 0.0}, r"rate must be in \(0, inf\), got 0"),
        ({"memory": 1.0}, r"memory must be in \(1, inf\), got 1"),
        ({"memory": 50, "kind": "bits"}, "memory is of the units of numbers, and bits have none"),
        ({"seed": -1}, "seed must be a whole number in 0"),
        ({"model": "nothing"}, "nothing"),
    ],
)
def test_options_are_named(options, said):
    with pytest.raises(UsageError, match=said):
        Learner(**options)


def test_before_the_first_prediction():
    made = learner()
    with pytest.raises(UsageError, match="no row has come yet"):
        made.predict()
    assert np.isnan(made.partial_fit([1.0, np.nan]))
    expected = made.predict()
    np.testing.assert_array_equal(expected.mean, [1.0, np.nan])
    assert np.isinf(expected.low).all() and np.isinf(expected.high).all()
    with pytest.raises(UsageError, match="the warm-up takes 50 rows, 1 have come"):
        made.score(ROWS[:2])


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "rate"), [(RVAESpec(hidden=4, width=8, horizon=2), 3e-3), (FactorSpec(1), 1e-3)])
def test_other_filters_learn_streams(spec, rate, tmp_path):
    """Rows and blocks give the same, a stored one goes on, and what is learned makes rows less surprising."""
    rng = np.random.default_rng(0)
    hidden = np.zeros(1500)
    for t in range(1, 1500):
        hidden[t] = 0.9 * hidden[t - 1] + rng.normal()
    rows = hidden[:, None] + rng.normal(size=(1500, 2))
    surprise = Learner(spec, warmup=50, rate=rate).partial_fit(rows)
    split = Learner(spec, warmup=50, rate=rate)
    split.partial_fit(rows[:70])
    for row in rows[70:75]:
        split.partial_fit(row)
    split.save(tmp_path / "learner")
    split = Learner.load(tmp_path / "learner")
    np.testing.assert_array_equal(split.partial_fit(rows[75:]), surprise[75:])
    assert surprise[1200:].mean() < surprise[50:200].mean() - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["counts", "bits"])
def test_counts_and_bits(kind):
    rng = np.random.default_rng(0)
    rows = rng.poisson(4.0, size=(600, 2)) if kind == "counts" else (rng.random((600, 2)) < 0.2).astype(int)
    made = Learner(dataclasses.replace(SMALL, width=8), kind=kind, warmup=100, rate=1e-2)
    surprise = made.partial_fit(rows)
    assert np.isfinite(surprise[100:]).all() and made.predict().low.min() >= 0
    with pytest.raises(UsageError, match="-1"):
        made.partial_fit([[0, -1]])


def test_it_is_exported():
    assert vestige.Learner is Learner
    assert jax.tree.leaves(trained()[0].begun.state)
