"""Forecasts by sampled paths: beside closed forms, and from the right rows."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data import FrameSet, Recorded
from vestige.data.recorded_table import RecordedColumns
from vestige.data.tables import Cells
from vestige.errors import RunError, UsageError
from vestige.models.filters import FactorFilter
from vestige.runs.forecasting import ForecastOptions, Forecasts, chosen_channels
from vestige.tasks.filtering import Bare, WithChanges, custom_recordings
from vestige.tasks.filtering.origins import origins
from vestige.tasks.filtering.readout import Readout
from vestige.tasks.filtering.recorded_steps import StepsSeen
from vestige.tasks.filtering.sampled_paths import sampled_paths
from vestige.tasks.filtering.step_prediction import RecordingsPredictor
from vestige.tasks.filtering.step_reader import Carried, StepReader

PATHS, STEPS = 4096, 6


class Linear(eqx.Module):
    """x_t = A x_{t-1} + K y_t, y_t ~ N(C x_{t-1}, R), R diagonal: what a forecast is has a closed form."""

    transition: jax.Array
    gain: jax.Array
    emission: jax.Array
    noise: jax.Array

    def init(self):
        return jnp.zeros(self.transition.shape[0])

    def filter(self, state, observation):
        there = jnp.all(jnp.isfinite(observation))
        return jnp.where(there, self.transition @ state + self.gain @ observation, state)

    def features(self, state):
        return state

    def reconstruct(self, state):
        return self.emission @ state

    def predict(self, state, *, key):
        return self.emission @ state

    def draw(self, state, *, key):
        return self.emission @ state + jnp.sqrt(self.noise) * jax.random.normal(key, self.noise.shape)

    def log_predictive(self, previous, observation, *, key):
        errors = observation - self.emission @ previous
        return -0.5 * jnp.sum(errors**2 / self.noise + jnp.log(2 * jnp.pi * self.noise))


def linear():
    return Linear(
        jnp.array([[0.5, 0.1], [0.0, 0.7]]),
        jnp.array([[0.4, 0.0], [0.1, 0.2]]),
        jnp.array([[1.0, 0.3], [-0.2, 0.8]]),
        jnp.array([0.3, 0.1]),
    )


def moments(model, state, steps):
    """Mean and variance of y_{t+1}, y_{t+2}, … given x_t."""
    a, k, c, r = (np.asarray(each, np.float64) for each in (model.transition, model.gain, model.emission, model.noise))
    mean, covariance, found = np.asarray(state, np.float64), np.zeros((2, 2)), []
    whole = a + k @ c
    for _ in range(steps):
        found.append((c @ mean, np.diag(c @ covariance @ c.T) + r))
        mean, covariance = whole @ mean, whole @ covariance @ whole.T + k @ np.diag(r) @ k.T
    return (np.stack(each) for each in zip(*found, strict=True))


def repeat(width):
    """The regression that says the last value again, of `width` features of which the first two are the frame."""
    return Readout(jnp.zeros(width), jnp.ones(width), jnp.eye(width, 2), jnp.zeros(2))


def paths(model, state, *, featurizer=None, last=(0.0, 0.0), skipped=0, count=PATHS):
    featurizer = Bare() if featurizer is None else featurizer
    last = jnp.zeros(2 * featurizer.per_channel).at[:2].set(jnp.array(last))
    reader = StepReader(model, featurizer, repeat(last.shape[0]), jax.random.key(0))
    carried = Carried(jnp.asarray(state), last, jnp.ones((), bool))
    skipped = jnp.asarray(skipped, jnp.uint32)
    return sampled_paths(reader, carried, skipped, key=jax.random.key(5), paths=count, steps=STEPS)


def check_moments(found, mean, variance):
    """Within 4 standard errors, of the mean and of the variance of normal samples."""
    found = np.asarray(found, np.float64)
    assert (np.abs(found.mean(axis=0) - mean) < 4 * np.sqrt(variance / PATHS)).all()
    assert (np.abs(found.var(axis=0) / variance - 1) < 4 * np.sqrt(2 / PATHS)).all()


def test_paths_have_the_moments_of_a_linear_gaussian_filter():
    model, state = linear(), [1.0, -2.0]
    mean, variance = moments(model, state, STEPS + 2)
    check_moments(paths(model, state).paths, mean[:STEPS], variance[:STEPS])
    check_moments(paths(model, state, skipped=2).paths, mean[2:], variance[2:])


class Affine(Linear):
    """It says so: its mean needs no samples."""

    affine: bool = eqx.field(static=True, default=True)


@pytest.mark.parametrize("skipped", [0, 2])
def test_few_paths_of_an_affine_filter_have_the_exact_mean(skipped):
    model, state = Affine(*jax.tree.leaves(linear())), [1.0, -2.0]
    mean, variance = moments(model, state, STEPS + 2)
    mean, variance = mean[skipped:][:STEPS], variance[skipped:][:STEPS]
    few = np.asarray(paths(model, state, skipped=skipped, count=8).paths, np.float64)
    np.testing.assert_allclose(few.mean(axis=0), mean, rtol=1e-4, atol=1e-5)
    check_moments(paths(model, state, skipped=skipped).paths, mean, variance)
    by_chance = np.asarray(paths(linear(), state, skipped=skipped, count=8).paths, np.float64).mean(axis=0)
    assert np.abs(by_chance - mean).max() > 0.05


class Changes(eqx.Module):
    """Draws changes of mean 0 and variance 1, whatever came before."""

    def filter(self, state, observation):
        return state

    def draw(self, state, *, key):
        return jax.random.normal(key, (4,))


def test_a_random_walk_has_a_variance_that_grows_linearly():
    drift, spread = np.array([0.5, -1.0]), np.array([2.0, 0.1])
    found = paths(Changes(), [0.0], featurizer=WithChanges.of(drift, spread), last=(3.0, 4.0))
    ahead = np.arange(1, STEPS + 1)[:, None]
    check_moments(found.paths, np.array([3.0, 4.0]) + drift * ahead, spread**2 * ahead)
    np.testing.assert_allclose(found.linear, np.tile([3.0, 4.0], (STEPS, 1)), rtol=1e-6)


@pytest.mark.parametrize("make", [FactorFilter])
def test_a_factor_filter_draws_what_it_gives_a_density(make):
    model = make(3, 2, key=jax.random.key(1))
    state = jnp.array([0.7, -1.0])
    given = model.given(state)
    drawn = np.asarray(jax.jit(jax.vmap(lambda k: model.draw(state, key=k)))(jax.random.split(jax.random.key(2), 8192)))
    loadings, within = np.asarray(given.loadings), np.linalg.inv(np.asarray(given.precision))
    covariance = loadings @ within @ loadings.T + np.diag(np.asarray(given.uniqueness))
    np.testing.assert_allclose(drawn.mean(axis=0), loadings @ np.asarray(given.mean), atol=4 * np.sqrt(3 / 8192))
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.15)


COLUMNS = RecordedColumns(("a", "b"), (), "day", "time")
LONG = 120


@functools.cache
def made():
    draw = np.random.default_rng(3)
    walks = [5 + 3 * np.cumsum(draw.normal(size=(LONG, 2)), axis=0) for _ in range(2)]
    frames = FrameSet(np.concatenate(walks), np.array([LONG, LONG]), ("a", "b"))
    recorded = Recorded(frames, np.zeros((2 * LONG, 0)))
    task = custom_recordings(recorded, "numbers", held_out=0.25, changes=True, columns=COLUMNS)
    model = FactorFilter(4, 1, key=jax.random.key(0))
    return walks, task, model, task.predictor(model, None)


def table(parts):
    rows = np.concatenate(parts)
    days = np.repeat([f"day {n}" for n in range(len(parts))], [len(part) for part in parts])
    times = np.datetime64("2020-01-01T00:00") + np.arange(len(rows)) * np.timedelta64(60, "m")
    return {"b": rows[:, 1], "time": times.astype("datetime64[us]"), "day": days, "a": rows[:, 0]}


def forecasts(parts, predictor=None, **options):
    wanted = ForecastOptions(**{"horizon": 3, "paths": 8, **options})
    return Forecasts(predictor or made()[3], table(parts), wanted)


@pytest.mark.slow
def test_each_document_is_forecast_as_if_it_were_alone():
    walks = made()[0]
    both = list(forecasts([walks[0][:40], walks[1][:50]]))
    assert [each.row for each in both] == [40, 90]
    assert both[1].document.values.tolist() == ["day 1"] * 3
    assert both[0].times.values.astype(str).tolist()[0].startswith("2020-01-02T16:00")
    spread = both[0].paths.std(axis=0)
    assert np.abs(both[0].mean - walks[0][39]).max() < 10 * spread.max()
    quantiles = np.quantile(both[0].paths, (0.05, 0.5, 0.95), axis=0)
    np.testing.assert_array_equal(both[0].quantiles, quantiles)


def test_missing_rows_have_gone_by():
    seen = np.array([np.nan, 1, 2, np.nan, np.nan, 5, np.nan, 7])[:, None]
    resets = np.arange(8) == 6

    def rows(start, stop):
        part, times = slice(start, stop), np.arange(start, stop)
        return StepsSeen(start, seen[part], resets[part], {"t": Cells(times, np.zeros(len(times), bool))}, 0)

    def carry(rows):
        numbers = rows.start + np.arange(len(rows.seen))
        return Carried(numbers, numbers[:, None], numbers > 0)

    for cuts in ([0, 8], [0, 3, 5, 8], range(9)):
        steps = (rows(*cut) for cut in itertools.pairwise(cuts))
        found = list(origins(steps, np.array([0, 2, 4, 5, 6, 7]), carry, before=3, after=1))
        assert [each.row for each in found] == [2, 4, 5, 7]  # before the others their document holds nothing
        assert [each.skipped for each in found] == [0, 2, 0, 0]
        assert [int(each.carried.state) for each in found] == [2, 4, 5, 7]
        assert [each.passed["t"].values.tolist() for each in found] == [[0, 1, 2], [2, 3, 4], [3, 4, 5], [6, 7]]
        np.testing.assert_array_equal(found[1].before, seen[2:5])
        assert found[1].after.tolist() == [[5.0]] and np.isnan(found[2].after).tolist() == [[True]]
        assert found[3].after.shape == (0, 1)


def test_a_back_test_compares_with_what_came():
    walks = made()[0]
    found = forecasts([walks[0]], every=10, season=4, horizon=3)
    test = found.back_test
    assert test is not None and test.season == 4
    rows = np.arange(LONG - 4, 2, -10)[::-1]
    assert (test.origins, test.first, test.last) == (len(rows), rows[0] + 1, rows[-1] + 1)
    ahead = rows[:, None] + np.arange(1, 4)
    scale = made()[1].scale
    for who, said in (("last", walks[0][rows][:, None]), ("seasonal", walks[0][ahead - 4])):
        expected = (np.square((said - walks[0][ahead]) / scale)).mean(axis=(0, 2))
        np.testing.assert_allclose(test.errors[who], expected, rtol=1e-5)
    assert "the model" in test.sentence() and set(test.channels) == {"a", "b"}
    # one of the forecasts of the back-test is that of the table cut there
    (cut,) = forecasts([walks[0][: rows[2] + 1]], horizon=3)
    kept = next(
        each
        for n, each in enumerate(made()[3].forecaster().forecasts(found.table, rows, found._ask(4), ahead=True))
        if n == 2
    )
    np.testing.assert_allclose(kept.paths, cut.paths, rtol=1e-5)
    np.testing.assert_array_equal(kept.seen, walks[0][ahead[2]])


def test_origins_lie_where_they_can():
    walks = made()[0]
    found = forecasts([walks[0], walks[1][:2]], origins=5, season=0)
    assert found.back_test.origins == 5 and found.back_test.season is None and "seasonal" not in found.back_test.errors
    held_out = Forecasts(made()[3], table([walks[0]]), ForecastOptions(3, paths=8, every=1), held_out=0.25)
    assert (held_out.back_test.first, held_out.back_test.last) == (LONG - 30, LONG - 3)
    with pytest.raises(UsageError, match="needs a document of at least 24 rows, the longest has 20"):
        forecasts([walks[0][:20]], origins=5, season=21)
    assert forecasts([walks[0]], origins=3).back_test.season == 24  # an hour a row


def test_paths_that_diverge_are_named():
    _, task, model, _ = made()
    wild = eqx.tree_at(lambda m: m.log_input_uniqueness, model, jnp.full(4, 40.0))
    broken = RecordingsPredictor(wild, task.scaling, COLUMNS, task.calibration(model))
    with pytest.raises(RunError, match=r"after row 40: 8 of 8 sampled paths diverge, the first in step 1"):
        list(forecasts([made()[0][0][:40]], broken))


@pytest.mark.slow
def test_what_cannot_be_forecast_is_named():
    walk = made()[0][0][:40]
    for options, said in (
        ({"horizon": 0}, "horizon must be a whole number, at least 1"),
        ({"paths": 2.5}, "paths must be a whole number, at least 2"),
        ({"quantiles": (0.5, 0.1)}, r"must rise within \(0, 1\)"),
        ({"origins": 3, "every": 2}, "give one of them"),
        ({"paths": 10**9}, "choose fewer paths"),
    ):
        with pytest.raises(UsageError, match=said):
            forecasts([walk], **options)
    with pytest.raises(UsageError, match="no row holds a value"):
        list(forecasts([np.full((3, 2), np.nan)]))
    with pytest.raises(UsageError, match="column 'C' cannot be forecast: the run reads it out"):
        chosen_channels("a,C", ("a", "b"), ("a", "C"))
    with pytest.raises(UsageError, match="there is none"):
        chosen_channels("aa", ("a", "b"), ("a", "C"))

    class Mute(eqx.Module):
        pass

    _, task, model, _ = made()
    mute = RecordingsPredictor(Mute(), task.scaling, COLUMNS, task.calibration(model))
    with pytest.raises(UsageError, match="model Mute forecasts nothing"):
        forecasts([walk], mute)
