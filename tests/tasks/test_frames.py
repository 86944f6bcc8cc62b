"""What all tasks on sequences of frames have in common."""

import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.frame_tasks import COPYING, SIDE, TASKS, TEST, TRAIN, first_copy, pool
from vestige.memory import Introspection
from vestige.models.temporal import Gaussian, elbo, gtmm
from vestige.tasks import MapNavigation, PerfectRecall, RoomRotation
from vestige.tasks.tally import Tally

COMMON = {"kl_recall", "kl_fresh", "kl_last", "negative_bound", "kl_per_frame", "negative_bound_per_frame"}
COMMON |= {"negative_bound_recall"}


SIZE = 7


@pytest.fixture(
    params=[pytest.param(n, marks=[pytest.mark.slow] * (n == "room, random turns")) for n in TASKS], scope="module"
)
def task(request):
    return TASKS[request.param]()


@pytest.fixture(scope="module")
def model(task):
    return tiny(task)


@pytest.fixture(scope="module")
def sequences(task):
    """Training sequences with all that is known about them."""
    return shown(task, jax.random.split(jax.random.key(2), 24))


@pytest.fixture(scope="module")
def metrics(task, model):
    return evaluate(task, model, jax.random.key(4))


def tiny(task):
    likelihood = Gaussian if isinstance(task, RoomRotation) else None
    return made(task.frame_shape, task.condition_size, likelihood)


@functools.cache
def made(frame_shape, condition_size, likelihood):
    """In one compilation."""

    def memory(latent_size, controller_size, *, key):
        return Introspection(latent_size, controller_size, slots=4, key=key)

    @eqx.filter_jit
    def make(key):
        return gtmm(
            frame_shape,
            memory,
            latent_size=2,
            controller_size=5,
            width=6,
            condition_size=condition_size,
            likelihood=None if likelihood is None else likelihood(),
            key=key,
        )

    return make(jax.random.key(3))


@eqx.filter_jit
def shown(task, keys):
    return jax.vmap(lambda key: task.sequence(task.train, key=key))(keys)


@eqx.filter_jit
def evaluate(task, model, key):
    return task.evaluate(model, size=SIZE, key=key)


@eqx.filter_jit
def drawn(task, key):
    return task.batch(size=3, key=key), task.held_out(size=3, key=key)


def batches(task, key):
    """Three rows to train on, and three held out, on the host."""
    return jax.device_get(drawn(task, key))


@pytest.mark.few(1)
def test_a_batch_has_the_shapes_that_the_task_announces(task, key):
    for batch in batches(task, key):
        assert batch.inputs.shape == (3, task.frames, *task.frame_shape)
        assert batch.inputs.dtype == jnp.float32
        assert float(batch.inputs.min()) >= 0 and float(batch.inputs.max()) <= 1
        if task.condition_size == 0:
            assert batch.condition is None
        else:
            assert batch.condition.shape == (3, task.frames, task.condition_size)
            np.testing.assert_array_equal(batch.condition.sum(axis=-1), 1)
    assert 0 < task.given < task.frames


@pytest.mark.few(1)
def test_a_key_says_what_is_drawn(task, key):
    """That rows do not depend on their number is tested of every registered task."""
    batch = batches(task, key)[0].inputs
    np.testing.assert_array_equal(batch, batches(task, key)[0].inputs)
    assert not np.array_equal(batch[0], batch[1])
    assert not np.array_equal(batch, batches(task, jax.random.fold_in(key, 1))[0].inputs)


@pytest.mark.few(3)
def test_the_first_frame_is_never_predictable_and_some_later_one_is(task, sequences):
    predictable = np.asarray(sequences.predictable)
    assert predictable.shape == (24, task.frames)
    assert not predictable[:, 0].any()
    assert predictable.any()


@pytest.mark.few(1)
def test_facts_are_never_part_of_the_batch(task, sequences):
    assert sequences.batch.targets is None
    assert all(len(fact) == 24 for fact in sequences.facts.values())


@pytest.mark.parametrize("name", COPYING)
@pytest.mark.few(4)
def test_predictable_frames_are_copies_bit_for_bit(name):
    sequences = shown(COPYING[name](), jax.random.split(jax.random.key(2), 24))
    for frames, predictable in zip(np.asarray(sequences.batch.inputs), np.asarray(sequences.predictable), strict=True):
        copied = first_copy(frames) < np.arange(len(frames))
        assert copied[predictable].all()


@pytest.mark.slow
def test_all_metrics_are_there_and_finite(task, metrics):
    assert set(metrics) >= COMMON
    for name, value in metrics.items():
        assert np.isfinite(value).all(), name
        assert value.shape == ((task.frames,) if name.endswith("_per_frame") else ()), name


@eqx.filter_jit
def one_by_one(task, model, row):
    key_data, key_model = jax.random.split(jax.random.fold_in(jax.random.key(4), row))
    sequence = task.sequence(task.test, key=key_data)
    found = elbo(model, sequence.batch, key=key_model)[1]
    return found["kl_per_frame"], found["negative_bound_per_frame"], sequence.predictable


@pytest.mark.parametrize(
    "task", ["perfect recall", pytest.param("navigation", marks=pytest.mark.slow)], indirect=True
)  # without and with a condition: `evaluate` is one for all
def test_every_frame_weighs_alike_in_the_split_kl(task, model, metrics):
    rows = [one_by_one(task, model, jnp.asarray(np.int32(row))) for row in range(SIZE)]
    kl, bound, known = (np.stack(part) for part in zip(*jax.device_get(rows), strict=True))
    np.testing.assert_allclose(metrics["kl_recall"], kl[known].mean(), rtol=2e-3)
    np.testing.assert_allclose(metrics["kl_fresh"], kl[~known].mean(), rtol=2e-3)
    np.testing.assert_allclose(metrics["negative_bound_recall"], bound[known].mean(), rtol=2e-3)
    np.testing.assert_allclose(metrics["kl_per_frame"], kl.mean(axis=0), rtol=2e-3)
    np.testing.assert_allclose(metrics["kl_last"], kl[:, -1].mean(), rtol=2e-3)


@pytest.mark.few(1)
def test_bounds_are_of_metrics_that_are_there(task, metrics):
    bounds = dict(task.bounds(metrics))
    curves = bounds.pop("curves", {})
    assert bounds and set(bounds) <= set(metrics)
    for name, levels in bounds.items():
        assert set(levels) == {"best", "chance"}, name
        assert all(type(level) is float and math.isfinite(level) for level in levels.values()), name
    assert set(curves) <= {"kl_per_frame"}
    for curve in curves.values():
        assert len(curve) == task.frames and all(type(value) is float for value in curve)
        assert max(curve) <= max(float(metrics["kl_fresh"]), math.log(8)) * 1.001


@pytest.mark.few(1)
def test_only_the_held_out_source_is_judged(task, model, metrics):
    elsewhere = eqx.tree_at(lambda t: t.train, task, task.test)
    again = evaluate(elsewhere, model, jax.random.key(4))
    np.testing.assert_allclose(again["kl_fresh"], metrics["kl_fresh"], rtol=1e-5)
    seen = evaluate(task.on_training_images(), model, jax.random.key(4))
    assert float(seen["negative_bound"]) != float(metrics["negative_bound"])


def test_training_and_held_out_sources_stay_apart(task, key):
    training, judged = batches(task, key)
    ours, theirs = ({frame.tobytes() for row in b.inputs for frame in row} for b in (training, judged))
    assert not ours & theirs
    again = batches(task.on_training_images(), key)[1]
    np.testing.assert_allclose(again.inputs, training.inputs, atol=1e-5)


class TestTally:
    """Means over marked terms."""

    def test_a_sequence_without_marks_does_not_spoil_the_mean(self):
        values = jnp.array([[1.0, 2.0], [3.0, jnp.nan]])
        marks = jnp.array([[False, False], [True, False]])
        rows = jax.jit(jax.vmap(Tally.over))(values, marks)
        total = jax.tree.map(jnp.sum, rows)
        assert float(total.mean) == 3.0

    def test_sequences_count_by_their_marks(self):
        rows = jax.jit(jax.vmap(Tally.over))(
            jnp.array([[1.0, 1.0], [4.0, 0.0]]), jnp.array([[True, True], [True, False]])
        )
        assert float(jax.tree.map(jnp.sum, rows).mean) == 2.0

    def test_nothing_at_all_has_no_mean(self):
        assert math.isnan(float(Tally.over(jnp.ones(2), jnp.zeros(2, bool)).mean))


class TestErrors:
    """At construction, with both numbers."""

    def test_frames_of_two_shapes(self):
        with pytest.raises(ValueError, match=r"one shape, got \(4, 4\) to train on and \(5, 5\) held out"):
            PerfectRecall(TRAIN, pool(1, side=SIDE + 1))

    def test_too_few_frames(self):
        with pytest.raises(ValueError, match="RoomRotation: a sequence has at least 2 frames, got frames=1"):
            RoomRotation(4, 1)
        with pytest.raises(ValueError, match="frames >= 3; got 2"):
            MapNavigation(TRAIN, TEST, frames=2)


@pytest.mark.slow
def test_a_control_is_judged_on_the_frames_in_the_place_of_copies(key):
    control = PerfectRecall(TRAIN, TEST, l=6, k=4, control=True)
    predictable = shown(control, key[None]).predictable
    np.testing.assert_array_equal(predictable, np.arange(10)[None] >= 6)
    metrics = {name: jnp.float32(number) for number, name in enumerate(sorted(COMMON))}
    assert control.bounds(metrics)["kl_recall"]["best"] == float(metrics["kl_fresh"])
