"""Tasks on files: what a batch reads, and what a model is evaluated on."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from tests.sequences.conformance import conforms
from tests.sequences.files import npy
from tests.tasks.longterm.remembering import Blind, Leaky
from vestige.errors import RunError
from vestige.sequences import Documents, NpyReader, lanes
from vestige.tasks.longterm import Stream

TOKENS, CLASSES = 6, 4


def tokens(folder, length, *, seed=0, **more):
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(seed)
    return npy(
        folder,
        draw.integers(0, TOKENS, length).astype(np.uint8),
        draw.integers(0, CLASSES, length).astype(np.int8),
        **more,
    )


def numbers(folder, length, *, seed=0, **more):
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(seed)
    outcomes = draw.normal(size=length)
    outcomes[::3] = np.nan
    return npy(folder, draw.normal(size=(length, 2)).astype(np.float32), outcomes, unknown_outcomes=True, **more)


@pytest.fixture
def task(tmp_path):
    return Stream(tokens(tmp_path / "a", 101), tokens(tmp_path / "b", 57, seed=1), tokens=TOKENS, classes=CLASSES)


def with_segment(task, segment):
    return Stream(task.train, task.held_out, segment, task.tokens, task.classes)


@eqx.filter_jit
def evaluated(task, model, size, read_size):
    return task.evaluate(model, size=size, key=jax.random.key(0), read_size=read_size)


def judged(task, model, size):
    """The same, said in a loop over arrays: (predictions, outcomes, known) of every step of the held-out file."""
    found = []
    parts = lanes(task.held_out, size)
    for row in range(size):
        lane = jax.tree.map(lambda leaf, row=row: leaf[row], parts)
        window = lane.window(jnp.array(0), int(lane.length))
        memories = model.encode(model.init(), window.inputs, window.inside)[1]
        predictions = jax.vmap(model.predict)(memories, window.inputs)
        found.append((np.asarray(predictions, np.float64), np.asarray(window.outcomes), np.asarray(window.known)))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


class TestBatches:
    """Rows of a batch."""

    def test_lanes_are_the_file_in_order(self, task, key):
        sequences = task.batch(size=4, key=key).inputs
        assert sequences.length.tolist() == [25, 25, 25, 26]
        read = jax.jit(jax.vmap(lambda s: s.window(jnp.array(0), 26)))(sequences)
        inside = np.asarray(read.inside)
        np.testing.assert_array_equal(np.asarray(read.inputs)[inside], task.train.read(0, 101)[0])
        jax.tree.map(np.testing.assert_array_equal, sequences, task.batch(size=4, key=jax.random.key(9)).inputs)
        conforms(jax.tree.map(lambda leaf: leaf[3], sequences))

    def test_segments_follow_from_key_and_row(self, task, key):
        task = with_segment(task, 7)
        draw = eqx.filter_jit(lambda size, key: task.batch(size=size, key=key).inputs)
        large, small, other = draw(64, key), draw(3, key), draw(64, jax.random.fold_in(key, 1))
        np.testing.assert_array_equal(large.begin[:3], small.begin)
        assert not np.array_equal(large.begin, other.begin)
        begins = np.asarray(large.begin)[:, 1]
        assert begins.min() >= 0 and begins.max() <= 94 and len(set(begins.tolist())) > 20
        assert set(large.length.tolist()) == {7}
        window = jax.jit(jax.vmap(lambda s: s.window(jnp.array(2), 4)))(large)
        for row in (0, 5):
            np.testing.assert_array_equal(
                window.inputs[row], task.train.read(int(begins[row]) + 2, int(begins[row]) + 6)[0].astype(np.int32)
            )

    def test_a_segment_of_the_whole_file(self, task, key):
        sequences = with_segment(task, 101).batch(size=5, key=key).inputs
        assert not np.asarray(sequences.begin).any()

    def test_more_rows_than_steps(self, task, key):
        with pytest.raises(ValueError, match=r"count must be in 1\.\.101"):
            task.batch(size=102, key=key)


class TestEvaluation:
    """Every known step of the held-out file."""

    @pytest.mark.parametrize(("size", "read_size"), [(1, 200), (3, 8)])
    def test_classes(self, task, size, read_size, key):
        model = Leaky(TOKENS, CLASSES, key=key)
        predictions, outcomes, known = judged(task, model, size)
        assert known.all() and len(known) == 57
        metrics = evaluated(task, model, size, read_size)
        logs = predictions - np.log(np.exp(predictions).sum(1, keepdims=True))
        np.testing.assert_allclose(metrics["accuracy"], np.mean(predictions.argmax(1) == outcomes), rtol=1e-5)
        np.testing.assert_allclose(metrics["cross_entropy"], -np.mean(logs[np.arange(57), outcomes]), rtol=1e-5)
        share = np.bincount(outcomes, minlength=CLASSES) / 57
        np.testing.assert_allclose(metrics["majority_accuracy"], share.max(), rtol=1e-5)
        np.testing.assert_allclose(metrics["frequency_cross_entropy"], scipy.stats.entropy(share), rtol=1e-5)

    def test_numbers_of_which_some_are_not_known(self, tmp_path):
        task = Stream(numbers(tmp_path / "a", 30), numbers(tmp_path / "b", 50, seed=1))
        assert task.features == 2
        model = Blind(jnp.array([0.7]))
        outcomes = task.held_out.read(0, 50)[1]
        metrics = evaluated(task, model, 4, 3)
        np.testing.assert_allclose(metrics["mse"], np.nanmean((outcomes - 0.7) ** 2), rtol=1e-5)
        np.testing.assert_allclose(metrics["constant_mse"], np.nanvar(outcomes), rtol=1e-5)

    def test_the_variance_of_a_large_level_keeps_its_digits(self, tmp_path):
        outcomes = 1e5 + np.random.default_rng(0).normal(size=400).astype(np.float32)
        task = Stream(*[npy(tmp_path, np.zeros((400, 2), np.float32), outcomes.astype(np.float32))] * 2)
        found = evaluated(task, Blind(jnp.zeros(1)), 3, 20)["constant_mse"]
        np.testing.assert_allclose(found, np.var(outcomes.astype(float)), rtol=1e-3)

    def test_no_outcome_at_all(self, tmp_path):
        none = npy(tmp_path, np.zeros((9, 2)), np.full(9, np.nan), unknown_outcomes=True)
        assert np.isnan(evaluated(Stream(none, none), Blind(jnp.zeros(1)), 2, 3)["mse"])

    def test_levels(self, task):
        """Chance is who always says the most frequent class, not who guesses evenly."""
        levels = task.bounds({"majority_accuracy": 0.835, "frequency_cross_entropy": 0.4})
        assert levels["accuracy"] == {"best": None, "chance": 0.835}
        assert levels["cross_entropy"] == {"best": None, "chance": 0.4}

    def test_the_ends_of_size_and_read_size(self, task):
        for size, read_size, why in ((0, 5, "count"), (58, 5, "count"), (2, 0, "read_size must be at least 1")):
            with pytest.raises(ValueError, match=why):
                evaluated(task, Blind(jnp.zeros(CLASSES)), size, read_size)


class TestRefusals:
    """Before training, and while reading."""

    @pytest.mark.parametrize("segment", [0, 102])
    def test_a_segment_that_does_not_fit(self, task, segment):
        with pytest.raises(ValueError, match=rf"segment must be in 1\.\.101.* has 101 steps; got {segment}"):
            with_segment(task, segment)

    def test_files_of_different_kinds(self, task, tmp_path):
        with pytest.raises(ValueError, match=r"inputs must be alike in both files, got uint8\[\] in .* float32\[2\]"):
            Stream(task.train, numbers(tmp_path / "c", 9), tokens=TOKENS, classes=CLASSES)

    def test_counts_that_are_missing_or_too_many(self, task, tmp_path):
        with pytest.raises(ValueError, match="inputs are integers, so tokens must say how many"):
            Stream(task.train, task.held_out, classes=CLASSES)
        with pytest.raises(ValueError, match="outcomes are integers, so classes must say how many"):
            Stream(task.train, task.held_out, tokens=TOKENS)
        reader = numbers(tmp_path / "c", 9)
        with pytest.raises(ValueError, match="outcomes are numbers, so classes must be None, got 3"):
            Stream(reader, reader, classes=3)

    def test_shapes_that_no_model_reads(self, tmp_path):
        reader = npy(tmp_path, np.zeros(9), np.zeros(9))
        with pytest.raises(ValueError, match=r"inputs of float64 must be a vector of numbers per step, got shape \[\]"):
            Stream(reader, reader)
        reader = npy(tmp_path, np.zeros((9, 1)), np.zeros((9, 1)))
        with pytest.raises(ValueError, match=r"outcomes of float64 must be one number per step, got shape \[1\]"):
            Stream(reader, reader)
        reader = npy(tmp_path, np.zeros((9, 1), np.int32), np.zeros(9))
        with pytest.raises(ValueError, match="inputs of int32 must be one integer per step"):
            Stream(reader, reader, tokens=3)

    def test_a_class_out_of_range_is_found_when_read(self, task, tmp_path):
        path = tmp_path / "b" / "y.npy"
        outcomes = np.load(path)
        outcomes[44] = CLASSES
        np.save(path, outcomes)
        task = Stream(task.train, NpyReader(tmp_path / "b" / "x.npy", path), tokens=TOKENS, classes=CLASSES)
        with pytest.raises(Exception, match=r"RunError: .*y\.npy: the outcome at step 44 is 4, expected 0\.\.3"):
            evaluated(task, Blind(jnp.zeros(CLASSES)), 2, 9)["accuracy"].block_until_ready()
        assert issubclass(RunError, Exception)


class TestDocuments:
    """One after the other in a file."""

    LENGTHS = (20, 1, 30, 6)

    def documents(self, task):
        train = np.array([40, 61])
        return tuple(Documents.of_lengths(np.array(lengths), "x") for lengths in (train, self.LENGTHS))

    @pytest.mark.slow
    def test_each_is_evaluated_as_if_it_were_alone(self, task, tmp_path):
        model = Leaky(TOKENS, CLASSES, key=jax.random.key(3))
        together = Stream(task.train, task.held_out, None, TOKENS, CLASSES, 1000, self.documents(task))
        found = evaluated(together, model, 4, 8)
        inputs, outcomes = task.held_out.read(0, 57)
        expected = []
        for number, end in enumerate(np.cumsum(self.LENGTHS)):
            begin = end - self.LENGTHS[number]
            folder = tmp_path / f"alone {number}"
            folder.mkdir()
            alone = npy(folder, inputs[begin:end], outcomes[begin:end])
            expected.append(evaluated(Stream(alone, alone, None, TOKENS, CLASSES), model, 1, 8))
        for name in ("accuracy", "cross_entropy"):
            mean = np.average([float(each[name]) for each in expected], weights=self.LENGTHS)
            assert float(found[name]) == pytest.approx(mean, rel=1e-5)
        assert float(found["cross_entropy"]) != pytest.approx(float(evaluated(task, model, 1, 8)["cross_entropy"]))

    def test_a_batch_has_whole_documents_or_segments_of_one(self, task, key):
        for segment, lengths, steps in ((None, {40, 61}, 61), (50, {40, 50}, 50), (99, {40, 61}, 61)):
            made = Stream(task.train, task.held_out, segment, TOKENS, CLASSES, 1000, self.documents(task))
            sequences = made.batch(size=16, key=key).inputs
            assert set(np.asarray(sequences.length).tolist()) == lengths and made.steps == steps
            made.check_sizes(batch_size=1000, eval_size=1000)  # drawn with replacement; all are evaluated
