"""Parity recall: which digit answers which, and how generated answers are judged."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.frame_tasks import TEST, TRAIN, pool
from vestige.data import DATASETS
from vestige.memory import Introspection
from vestige.models.temporal import gtmm
from vestige.tasks import DigitClassifier, ImagePool, ParityRecall


@pytest.fixture(scope="module")
def parity():
    return ParityRecall(TRAIN, TEST, l=6, k=4)


@pytest.fixture(scope="module")
def digits():
    loaded = [DATASETS["digits"].load(split) for split in ("train", "test")]
    return [ImagePool(jnp.asarray(s.images), jnp.asarray(s.labels)) for s in loaded]


@pytest.fixture(scope="module")
def classify(digits):
    return DigitClassifier.fitted(digits[0])


def test_the_example_of_figure_5(parity):
    shown = jnp.array([7, 8, 9, 0, 8])
    np.testing.assert_array_equal(parity.answer(shown), [0, 1, 0, 1, 1])
    other_way = ParityRecall(TRAIN, TEST, l=6, k=4, even_is_one=False)
    np.testing.assert_array_equal(other_way.answer(shown), [1, 0, 1, 0, 0])


def test_answers_are_fresh_images_of_the_right_digit(parity, key):
    sequences = jax.jit(jax.vmap(lambda k: parity.sequence(TRAIN, key=k)))(jax.random.split(key, 200))
    labels = np.asarray(sequences.facts["labels"])
    np.testing.assert_array_equal(labels[:, 6:], 1 - labels[:, :4] % 2)
    known = {(row >= 128).astype(np.float32).tobytes(): label for row, label in
             zip(np.asarray(TRAIN.pixels), np.asarray(TRAIN.labels), strict=True)}  # fmt: skip
    frames = np.asarray(sequences.batch.inputs)
    assert all(known[frames[i, t].tobytes()] == labels[i, t] for i in range(200) for t in range(10))
    answers = {frames[i, t].tobytes() for i in range(200) for t in range(6, 10)}
    assert len(answers) == 8  # all images of a 0 and of a 1 that there are


def test_images_of_a_class_are_drawn_equally_often(key):
    classes = jnp.full(8_000, 3, jnp.int32)
    index = np.asarray(TRAIN.pick_of(classes, key=key))
    found, counts = np.unique(index, return_counts=True)
    np.testing.assert_array_equal(found, [3, 13, 23, 33])
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(8000 * 3 / 16)


class TestClassifier:
    """Fitted on the host, run on the device."""

    def test_it_says_what_scikit_learn_says(self, digits, classify):
        from sklearn.kernel_ridge import KernelRidge

        train, test = (np.asarray(pool.pixels >= 128, np.float64).reshape(pool.size, -1) for pool in digits)
        machine = KernelRidge(alpha=0.1, kernel="rbf", gamma=2 / (64 * train.var()))
        expected = machine.fit(train, np.eye(10)[digits[0].labels]).predict(test).argmax(axis=1)
        ours = jax.jit(jax.vmap(classify))(jnp.asarray(test, jnp.float32).reshape(-1, 8, 8))
        assert np.mean(np.asarray(ours) == expected) > 0.995
        assert np.mean(np.asarray(ours) == digits[1].labels) > 0.9

    def test_it_knows_zeros_and_ones_of_unseen_writers(self, digits):
        parity = ParityRecall(*digits)
        assert 0.93 < parity.recognised <= 1
        assert parity.bounds({})["parity_accuracy"] == {"best": parity.recognised, "chance": 0.5}

    def test_grey_counts_as_ink_from_one_half_on(self, digits, classify):
        frame = (digits[0].pixels[0] >= 128).astype(jnp.float32)
        assert int(classify(frame)) == int(classify(0.2 + 0.3 * frame)) == int(digits[0].labels[0])


class Told(eqx.Module):
    """In place of a classifier: says whether the frame is inked."""

    def __call__(self, frame):
        return (jnp.mean(frame) > 0.5).astype(jnp.int32)


@pytest.mark.slow
def test_accuracy_counts_generated_frames_of_the_right_digit(parity, key):
    def memory(latent_size, controller_size, *, key):
        return Introspection(latent_size, controller_size, slots=4, key=key)

    model = eqx.filter_jit(lambda key: gtmm((4, 4), memory, latent_size=2, controller_size=5, width=6, key=key))(key)
    bias = lambda m: m.decoder.output.bias
    always_one = eqx.tree_at(bias, model, jnp.full_like(bias(model), 100.0))
    told = eqx.tree_at(lambda t: t.classifier, parity, Told())
    sequence = jax.jit(lambda key: parity.sequence(TEST, key=key))(key)
    right = float(jnp.mean(sequence.facts["labels"][6:] == 1))
    judged = eqx.filter_jit(told.sequence_metrics)(always_one, sequence, jnp.zeros(10), key=key)["parity_accuracy"]
    assert float(judged.terms) == 4.0
    assert float(judged.mean) == right


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (ImagePool(TRAIN.pixels), "the images have no labels"),
        (ImagePool(TRAIN.pixels, TRAIN.labels + 1), "digits 0..9, got 1..10"),
        (ImagePool(TRAIN.pixels, 0 * TRAIN.labels), r"images of 0 and of 1; there are only \[0\]"),
        (eqx.tree_at(lambda p: p.labels, TRAIN, TRAIN.labels[1:]), "40 images need as many labels, got 39"),
    ],
)
def test_images_without_their_digits_are_refused(train, message):
    with pytest.raises(ValueError, match=message):
        ParityRecall(train, TEST)
    with pytest.raises(ValueError, match=message):
        ParityRecall(TRAIN, train)


def test_impossible_lengths_are_refused():
    with pytest.raises(ValueError, match="k <= l; got l=3, k=4"):
        ParityRecall(pool(0), TEST, l=3, k=4)
