"""What the generators make, against sequences written by hand, and how often they make it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.sequences.conformance import compiled, conforms
from tests.tasks.frame_tasks import TEST, TRAIN
from vestige.tasks import ImagePool
from vestige.tasks.longterm import Add, Copy, PixelImages, Positional, Recall, Scattered, WithContextWindow, Xor
from vestige.tasks.longterm.specs import PixelsSpec

SHUFFLED = jnp.asarray(np.random.default_rng(3).permutation(64))
TASKS = {
    "recall": Recall(9),
    "recall among distractors": Recall(9, symbols=3, distractors=True),
    "recall among noise": Recall(9, noise=4, distractors=True),
    "copy": Copy(7, symbols=3),
    "positional copy": Copy(7, symbols=4, alphabet=5, layout=Positional()),
    "scattered copy": Copy(7, symbols=5, layout=Scattered()),
    "add": Add(11),
    "xor": Xor(6),
    "pixels": PixelImages(TRAIN, TEST),
    "shuffled pixels": PixelImages(TRAIN, TEST, scale=2, permutation=SHUFFLED),
}


def whole(sequence):
    """All its steps, on the host."""
    return jax.tree.map(np.asarray, compiled(sequence, jnp.asarray(np.int32(0)), int(sequence.length)))


@eqx.filter_jit
def trained_on(task, key):
    return task.sequence(key=key)


@eqx.filter_jit
def held_out(task, key):
    return task.held_out(key=key)


@eqx.filter_jit
def batch_of(task, count, key):
    """`count` sequences, and all their steps."""
    batch = task.batch(size=count, key=key).inputs
    return batch, jax.vmap(lambda s: s.window(jnp.array(0), task.steps))(batch)


def many(task, count, key):
    """All steps of `count` sequences: inputs, outcomes, known, inside."""
    return jax.tree.map(np.asarray, batch_of(task, count, key)[1])


def even(counts, draws):
    """Each of the counts is what equal odds give, within four standard errors."""
    p = 1 / len(counts)
    return np.abs(np.asarray(counts) - draws * p).max() < 4 * np.sqrt(draws * p * (1 - p))


VARIANTS = {"recall among distractors", "shuffled pixels"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in VARIANTS)) for n in TASKS])
class TestEvery:
    """What holds for all of them."""

    @pytest.mark.few(1)
    def test_windows_conform(self, name, key):
        conforms(trained_on(TASKS[name], key))

    @pytest.mark.few(3)
    def test_types_and_ranges_are_as_told(self, name, key):
        task, seen = TASKS[name], many(TASKS[name], 30, key)
        assert seen.inside.shape == (30, task.steps) and seen.inside.all()
        if task.tokens is None:
            assert seen.inputs.dtype == np.float32 and seen.inputs.shape[2:] == (task.features,)
            assert seen.inputs.min() >= 0 and seen.inputs.max() <= 1
        else:
            assert task.features is None and seen.inputs.shape == (30, task.steps)
            assert seen.inputs.dtype == np.int32 and seen.inputs.min() >= 0 and seen.inputs.max() < task.tokens
        assert seen.outcomes.shape == (30, task.steps)
        if task.classes is None:
            assert seen.outcomes.dtype == np.float32
        else:
            assert seen.outcomes.dtype == np.int32
            assert seen.outcomes.min() >= 0 and seen.outcomes.max() < task.classes

    @pytest.mark.few(3)
    def test_queries_have_outcomes(self, name, key):
        sequence = trained_on(TASKS[name], key)
        queries = np.asarray(TASKS[name].queries(sequence))
        assert whole(sequence).known[queries].all()
        assert (np.diff(queries) == 1).all() and queries[-1] == TASKS[name].steps - 1

    @pytest.mark.few(2)
    def test_row_i_is_drawn_from_the_i_th_fold_of_the_key(self, name, key):
        bare = lambda leaf: jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
        on_host = lambda tree: jax.tree.map(lambda leaf: np.asarray(bare(leaf)), tree)
        batch = on_host(batch_of(TASKS[name], 30, key)[0])
        for row in range(3):
            alone = on_host(trained_on(TASKS[name], jax.random.fold_in(key, row)))
            jax.tree.map(lambda leaf, own, row=row: np.testing.assert_array_equal(leaf[row], own), batch, alone)

    def test_sequences_differ(self, name, key):
        inputs = many(TASKS[name], 30, key).inputs
        assert len({row.tobytes() for row in inputs}) > 1


class TestRecall:
    """One symbol, a corridor, one question."""

    def of(self, task, symbol, key):
        sequence = trained_on(task, key)
        return eqx.tree_at(lambda s: s.symbol, sequence, jnp.array(symbol, jnp.int32))

    def test_golden(self, key):
        seen = whole(self.of(Recall(4), 3, key))
        np.testing.assert_array_equal(seen.inputs, [3, 8, 8, 8, 8, 9])
        np.testing.assert_array_equal(seen.outcomes, [8, 8, 8, 8, 8, 3])
        assert seen.known.all()

    def test_golden_of_two_symbols_at_the_least_distance(self, key):
        seen = whole(self.of(Recall(1, symbols=2), 1, key))
        np.testing.assert_array_equal(seen.inputs, [1, 2, 3])
        np.testing.assert_array_equal(seen.outcomes, [2, 2, 1])

    def test_golden_of_noise(self, key):
        sequence = self.of(Recall(5, noise=2), 3, key)
        sequence = eqx.tree_at(lambda s: s.noisy, sequence, jnp.array([2, 4], jnp.int32))
        seen = whole(sequence)
        np.testing.assert_array_equal(seen.inputs, [3, 8, 10, 8, 10, 8, 9])
        np.testing.assert_array_equal(seen.outcomes[[0, 1, 3, 5, 6]], [8, 8, 8, 8, 3])
        assert (seen.outcomes[[2, 4]] < 8).all()

    def test_symbols_are_equally_likely(self, key):
        seen = many(Recall(1), 8000, key)
        assert even(np.bincount(seen.inputs[:, 0], minlength=8), 8000)
        np.testing.assert_array_equal(seen.inputs[:, 0], seen.outcomes[:, -1])

    @pytest.mark.slow
    def test_distractors_are_equally_likely_and_tell_nothing(self, key):
        seen = many(Recall(20, symbols=4, distractors=True), 400, key)
        corridor = seen.inputs[:, 1:-1]
        assert corridor.min() == 7 and corridor.max() == 10
        assert even(np.bincount(corridor.ravel())[7:], 8000)
        assert even(np.bincount((corridor - 7 + seen.outcomes[:, -1:]).ravel() % 4), 8000)
        assert (seen.outcomes[:, :-1] == 4).all()

    @pytest.mark.slow
    def test_every_octave_of_distances_takes_the_same_share_of_steps(self, key):
        task = Recall(1024, min_distance=4)
        lengths = np.asarray(jax.jit(jax.vmap(lambda k: task.sequence(key=k).length))(jax.random.split(key, 200_000)))
        distances = lengths - 2
        assert distances.min() == 4 and distances.max() <= 1024
        shares = np.histogram(distances, bins=2 ** np.arange(2, 11), weights=distances.astype(float))[0]
        assert np.abs(shares / shares.mean() - 1).max() < 0.15  # 4 standard errors of the rarest octave
        d = np.arange(4, 8)
        p = 1 / (d * (d + 1)) / (1 / 4 - 1 / 1025)
        seen = (distances[:, None] == d).mean(axis=0)
        assert (np.abs(seen - p) < 4 * np.sqrt(p * (1 - p) / len(distances))).all()

    @pytest.mark.parametrize(
        "task",
        [
            Recall(50, noise=2, min_distance=3, distractors=True),
            Copy(50, symbols=2, min_length=3, layout=Scattered()),
            Add(50, min_length=3),
        ],
        ids=lambda task: type(task).__name__,
    )
    @pytest.mark.slow
    def test_who_is_judged_bridges_the_whole_distance(self, task, key):
        judged = jax.jit(jax.vmap(lambda k: task.held_out(key=k).length))(jax.random.split(key, 20))
        np.testing.assert_array_equal(judged, task.steps)
        lengths = np.asarray(batch_of(task, 20, key)[0].length)
        assert (lengths <= task.steps).all() and np.median(lengths) < 15
        for row in range(3):
            conforms(trained_on(task, jax.random.fold_in(key, row)), task.steps)

    @pytest.mark.slow
    def test_noise_is_anywhere_and_nothing_predicts_it(self, key):
        seen = many(Recall(10, symbols=4, distractors=True, noise=3), 2000, key)
        marked = seen.inputs == 6
        np.testing.assert_array_equal(marked.sum(axis=1), 3)
        np.testing.assert_array_equal(marked[:, [0, -1]], False)
        places = marked.sum(axis=0)[1:-1]
        assert np.abs(places - 600).max() < 4 * np.sqrt(2000 * 0.3 * 0.7)
        outcomes, symbols = seen.outcomes[marked].reshape(2000, 3), seen.outcomes[:, -1:]
        assert even(np.bincount(outcomes.ravel()), 6000)
        assert even(np.bincount((outcomes - symbols).ravel() % 4), 6000)
        assert even(np.bincount((outcomes[:, 1] - outcomes[:, 0]) % 4), 2000)
        assert (seen.outcomes[:, :-1][~marked[:, :-1]] == 4).all()


class TestCopies:
    """Symbols, and again in their order."""

    def of(self, task, symbols, key):
        sequence = trained_on(task, key)
        return eqx.tree_at(lambda s: s.symbols, sequence, jnp.array(symbols, jnp.int32))

    def test_golden(self, key):
        seen = whole(self.of(Copy(3, symbols=2), [5, 1], key))
        np.testing.assert_array_equal(seen.inputs, [5, 1, 8, 8, 8, 9, 9])
        np.testing.assert_array_equal(seen.outcomes, [8, 8, 8, 8, 8, 5, 1])
        assert seen.known.all()

    def test_as_published(self, key):
        """10 symbols of 0..7, L blanks, 10 delimiters; blanks until the symbols come again."""
        task = Copy(100)
        assert (task.steps, task.tokens, task.classes) == (120, 10, 10)
        seen = whole(trained_on(task, key))
        head = seen.inputs[:10]
        assert (head < 8).all()
        np.testing.assert_array_equal(seen.inputs, np.concatenate([head, np.full(100, 8), np.full(10, 9)]))
        np.testing.assert_array_equal(seen.outcomes, np.concatenate([np.full(110, 8), head]))
        np.testing.assert_array_equal(task.queries(trained_on(task, key)), np.arange(110, 120))

    @pytest.mark.slow
    def test_symbols_are_equally_likely_and_independent(self, key):
        head = many(Copy(1, symbols=3), 4000, key).inputs[:, :3]
        assert even(np.bincount(head.ravel()), 12_000)
        assert even(np.bincount(head[:, 0] + 8 * head[:, 2]), 4000)

    def test_golden_of_positions(self, key):
        seen = whole(self.of(Copy(2, symbols=3, alphabet=5, layout=Positional()), [4, 0, 4], key))
        np.testing.assert_array_equal(seen.inputs, [4, 0, 4, 5, 5, 6, 7, 8])
        np.testing.assert_array_equal(seen.outcomes, [5, 5, 5, 5, 5, 4, 0, 4])

    def test_positions_as_published(self, key):
        """10 symbols of 0..4, blank 5, questions 6..15."""
        task = Copy(100, alphabet=5, layout=Positional())
        assert (task.steps, task.tokens, task.classes) == (120, 16, 6)
        seen = whole(trained_on(task, key))
        np.testing.assert_array_equal(seen.inputs[10:], np.concatenate([np.full(100, 5), np.arange(6, 16)]))
        np.testing.assert_array_equal(seen.outcomes, np.concatenate([np.full(110, 5), seen.inputs[:10]]))
        assert seen.inputs[:10].max() < 5

    def test_golden_of_scattered_symbols(self, key):
        sequence = self.of(Copy(4, symbols=3, layout=Scattered()), [7, 0, 2], key)
        sequence = eqx.tree_at(lambda s: s.places, sequence, jnp.array([1, 2, 6], jnp.int32))
        seen = whole(sequence)
        np.testing.assert_array_equal(seen.inputs, [8, 7, 0, 8, 8, 8, 2, 9, 9, 9])
        np.testing.assert_array_equal(seen.outcomes, [8, 8, 8, 8, 8, 8, 8, 7, 0, 2])

    @pytest.mark.slow
    def test_scattered_symbols_stand_anywhere(self, key):
        task = Copy(6, symbols=4, layout=Scattered())
        assert (task.steps, task.tokens, task.classes) == (14, 10, 10)
        seen = many(task, 3000, key)
        shown = seen.inputs < 8
        np.testing.assert_array_equal(shown.sum(axis=1), 4)
        np.testing.assert_array_equal(shown[:, 10:], False)
        assert np.abs(shown.sum(axis=0)[:10] - 1200).max() < 4 * np.sqrt(3000 * 0.4 * 0.6)
        np.testing.assert_array_equal(seen.inputs[shown].reshape(3000, 4), seen.outcomes[:, 10:])


class TestAdd:
    """Two numbers among many."""

    @pytest.mark.parametrize("length", [2, 9, 10])
    def test_one_mark_in_each_half_and_their_sum(self, length, key):
        seen = many(Add(length), 200, key)
        numbers, marks = seen.inputs[..., 0], seen.inputs[..., 1]
        assert set(np.unique(marks)) <= {0.0, 1.0}
        half = length // 2
        np.testing.assert_array_equal(marks[:, :half].sum(axis=1), 1)
        np.testing.assert_array_equal(marks[:, half:].sum(axis=1), 1)
        np.testing.assert_allclose(seen.outcomes[:, -1], (numbers * marks).sum(axis=1), rtol=1e-6)
        np.testing.assert_array_equal(seen.known, [[False] * (length - 1) + [True]] * 200)

    @pytest.mark.slow
    def test_marks_and_numbers_are_uniform(self, key):
        seen = many(Add(8), 4000, key)
        numbers, marks = seen.inputs[..., 0], seen.inputs[..., 1]
        assert np.abs(marks.sum(axis=0) - 1000).max() < 4 * np.sqrt(4000 * 3 / 16)
        assert abs(numbers.mean() - 0.5) < 4 * np.sqrt(1 / 12 / numbers.size)
        assert even(np.histogram(numbers, bins=10, range=(0, 1))[0], numbers.size)
        total = seen.outcomes[:, -1]
        assert abs(total.mean() - 1) < 4 * np.sqrt(1 / 6 / 4000)
        spread = np.square(total - 1)  # the fourth moment of the triangular distribution is 1/15
        assert abs(spread.mean() - 1 / 6) < 4 * np.sqrt((1 / 15 - 1 / 36) / 4000)


class TestXor:
    """Two bits far apart."""

    @pytest.mark.parametrize("bits", [(0, 0), (0, 1), (1, 0), (1, 1)])
    def test_golden(self, bits, key):
        sequence = eqx.tree_at(lambda s: s.bits, trained_on(Xor(4), key), jnp.array(bits, jnp.int32))
        seen = whole(sequence)
        np.testing.assert_array_equal(seen.inputs, [bits[0], 2, 2, 2, bits[1], 3])
        np.testing.assert_array_equal(seen.outcomes, [2, 2, 2, 2, 2, int(bits[0] != bits[1])])

    def test_the_least_distance(self, key):
        sequence = eqx.tree_at(lambda s: s.bits, trained_on(Xor(1), key), jnp.array([0, 1], jnp.int32))
        np.testing.assert_array_equal(whole(sequence).inputs, [0, 1, 3])

    @pytest.mark.slow
    def test_all_four_are_equally_likely(self, key):
        inputs = many(Xor(2), 4000, key).inputs
        assert even(np.bincount(inputs[:, 0] + 2 * inputs[:, 2]), 4000)


class TestPixels:
    """Images, pixel by pixel."""

    def image(self, pixels, digit=7):
        return ImagePool(jnp.asarray(pixels, jnp.uint8)[None], jnp.array([digit], jnp.int32))

    def test_golden(self, key):
        pool = self.image([[0, 51], [255, 102]])
        seen = whole(trained_on(PixelImages(pool, pool), key))
        np.testing.assert_allclose(seen.inputs, [[0], [0.2], [1], [0.4]], rtol=1e-6)
        assert seen.outcomes[-1] == 7
        np.testing.assert_array_equal(seen.known, [False, False, False, True])

    def test_golden_of_scale(self, key):
        pool = self.image([[0, 51, 102], [153, 204, 255]])
        task = PixelImages(pool, pool, scale=2)
        assert task.steps == 24
        rows = [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2
        np.testing.assert_allclose(whole(trained_on(task, key)).inputs[:, 0], np.ravel(rows) / 5, rtol=1e-6)

    def test_golden_of_border(self, key):
        pool = self.image([[51, 102], [153, 204]])
        task = PixelImages(pool, pool, border=1)
        assert task.steps == task.max_distance == 16
        rows = [[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0], [0, 0, 0, 0]]
        np.testing.assert_allclose(whole(trained_on(task, key)).inputs[:, 0], np.ravel(rows) / 5, rtol=1e-6)

    def test_golden_of_order(self, key):
        pool = self.image([[0, 51], [255, 102]])
        task = PixelImages(pool, pool, permutation=jnp.array([2, 0, 3, 1]))
        np.testing.assert_allclose(whole(trained_on(task, key)).inputs[:, 0], [1, 0, 0.4, 0.2], rtol=1e-6)

    def test_one_order_for_all_and_training_images_apart(self, key):
        task = TASKS["shuffled pixels"]
        back = np.argsort(np.asarray(SHUFFLED))
        for pool, drawn in ((TRAIN, trained_on), (TEST, held_out)):
            known = {np.asarray(image).tobytes(): int(label) for image, label in zip(pool.pixels, pool.labels)}  # noqa: B905
            digits = set()
            for row in range(30):
                sequence = drawn(task, jax.random.fold_in(key, row))
                image = np.asarray(sequence.pixels)[back].reshape(8, 8)[::2, ::2]
                assert known[image.tobytes()] == int(sequence.digit)
                digits.add(int(sequence.digit))
            assert len(digits) > 5

    def test_sizes_of_the_paper(self):
        large = ImagePool(jnp.zeros((10, 28, 28), jnp.uint8), jnp.arange(10))
        assert PixelImages(large, large).steps == 784
        assert PixelImages(large, large, scale=2).steps == 3136
        assert PixelImages(large, large, border=14).steps == 3136

    def test_images_for_choosing_are_the_last_to_train_on(self):
        tested, chosen = PixelsSpec().build(seed=0), PixelsSpec().for_choosing().build(seed=0)
        tenth = tested.train.size // 10
        assert chosen.test.size == tenth
        for name in ("pixels", "labels"):
            both = [getattr(pool, name) for pool in (chosen.train, chosen.test)]
            np.testing.assert_array_equal(np.concatenate(both), getattr(tested.train, name))


LABELS = jnp.arange(40) % 10
REFUSED = {
    "Recall: distance must be at least 1, got distance=0": lambda: Recall(0),
    "Recall: symbols must be at least 2, got symbols=1": lambda: Recall(5, symbols=1),
    "so 0 <= noise <= 5; got noise=6": lambda: Recall(5, noise=6),
    "so 0 <= noise <= 5; got noise=-1": lambda: Recall(5, noise=-1),
    "so 0 <= noise <= 2; got noise=3": lambda: Recall(5, noise=3, min_distance=2),
    "min_distance must be in 1..distance, 1..5, got 6": lambda: Recall(5, min_distance=6),
    "min_distance must be in 1..distance, 1..5, got 0": lambda: Recall(5, min_distance=0),
    "Copy: length must be at least 1, got length=0": lambda: Copy(0),
    "Copy: symbols must be at least 1, got symbols=0": lambda: Copy(5, symbols=0, layout=Positional()),
    "Copy: alphabet must be at least 2, got alphabet=1": lambda: Copy(5, alphabet=1, layout=Scattered()),
    "Copy: min_length must be in 1..length, 1..5, got 9": lambda: Copy(5, min_length=9),
    "Add: min_length must be in 1..length, 1..5, got 9": lambda: Add(5, min_length=9),
    "Add: length must be at least 2, got length=1": lambda: Add(1),
    "Xor: distance must be at least 1, got distance=0": lambda: Xor(0),
    "PixelImages: scale must be at least 1, got scale=0": lambda: PixelImages(TRAIN, TEST, scale=0),
    "PixelImages: border must be at least 0, got border=-1": lambda: PixelImages(TRAIN, TEST, border=-1),
    "the images have no labels": lambda: PixelImages(TRAIN, ImagePool(TEST.pixels)),
    "digits 0..9, got 1..10": lambda: PixelImages(ImagePool(TRAIN.pixels, LABELS + 1), TEST),
    r"one shape, got \(4, 4\) to train on and \(4, 2\) held out": lambda: PixelImages(
        TRAIN, ImagePool(TEST.pixels[:, :, :2], TEST.labels)
    ),
    "each of 0..15 once, got 16 numbers that do not": lambda: PixelImages(
        TRAIN, TEST, permutation=jnp.zeros(16, jnp.int32)
    ),
    "each of 0..15 once, got 64 numbers that do not": lambda: PixelImages(TRAIN, TEST, permutation=SHUFFLED),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_is_refused(message):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()


def test_with_nearby_steps_a_task_is_the_same_task(key):
    inner, task = Copy(7, symbols=3), WithContextWindow(Copy(7, symbols=3), 4)
    ours, theirs = task.sequence(key=key), inner.sequence(key=key)
    np.testing.assert_array_equal(task.queries(ours), inner.queries(theirs))
    assert (task.steps, task.tokens, task.features, task.classes) == (13, 10, None, 10)
    seen, plain = whole(ours), whole(theirs)
    np.testing.assert_array_equal(seen.inputs.now, plain.inputs)
    np.testing.assert_array_equal(seen.inputs.recent[-1], plain.inputs[-4:])
    np.testing.assert_array_equal(seen.outcomes, plain.outcomes)
    assert len({row.tobytes() for row in seen.inputs.recent[-3:]}) == 3  # what is alike is told apart by its place
    with pytest.raises(ValueError, match="at least 1; got 0"):
        WithContextWindow(inner, 0)
