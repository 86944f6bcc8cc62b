"""Models are evaluated at the queries, by what they remember there, and never with a whole sequence in memory."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.frame_tasks import TEST, TRAIN
from tests.tasks.longterm.remembering import SURE, Blind, First, FirstAddend, Leaky, Notebook, Total
from vestige.tasks import ImagePool
from vestige.tasks.longterm import Add, Copy, PixelImages, Positional, Recall, Scattered, Xor
from vestige.tasks.longterm.reading import readouts_at

one_of = lambda classes: lambda total: SURE * jax.nn.one_hot(total[0].astype(jnp.int32) % classes, classes)
bit = lambda token: jnp.where(token < 2, token, 0).astype(jnp.float32)[None]
KNOW = {
    "recall": (Recall(30), First(9)),
    "recall among distractors": (Recall(30, symbols=3, distractors=True), First(4)),
    "recall among noise": (Recall(30, noise=8), First(9)),
    "copy": (Copy(13, symbols=4), Notebook(4, 8, 10)),
    "positional copy": (Copy(13, symbols=4, alphabet=5, layout=Positional()), Notebook(4, 5, 6)),
    "scattered copy": (Copy(13, symbols=4, layout=Scattered()), Notebook(4, 8, 10)),
    "xor": (Xor(9), Total(bit, lambda total: one_of(2)(total)[jnp.array([0, 1, 0])] - jnp.array([0.0, 0.0, 2 * SURE]))),
}


VARIANTS = {"recall among distractors", "recall among noise", "positional copy"}


@eqx.filter_jit
def evaluated(task, model, size, key, read_size=200):
    return task.evaluate(model, size=size, key=key, read_size=read_size)


class TestClasses:
    """Accuracy, cross-entropy and information."""

    @pytest.mark.parametrize("name", KNOW)
    @pytest.mark.few(1)
    def test_who_remembers_is_right(self, name, key):
        task, model = KNOW[name]
        metrics, bounds = evaluated(task, model, 20, key, 7), task.bounds({})
        assert float(metrics["accuracy"]) == bounds["accuracy"]["best"] == 1
        assert abs(float(metrics["cross_entropy"]) - bounds["cross_entropy"]["best"]) < 1e-6
        assert abs(float(metrics["information"]) - bounds["information"]["best"]) < 1e-5

    @pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in VARIANTS)) for n in KNOW])
    @pytest.mark.few(2)
    def test_who_is_blind_is_at_chance(self, name, key):
        task = KNOW[name][0]
        alternatives = int(np.sum(np.asarray(task.prior()) > 0))
        blind = Blind(jnp.where(jnp.arange(task.classes) < alternatives, 0.0, -SURE))
        metrics, bounds = evaluated(task, blind, 600, key), task.bounds({})
        np.testing.assert_allclose(metrics["cross_entropy"], bounds["cross_entropy"]["chance"], rtol=1e-4)
        np.testing.assert_allclose(metrics["information"], bounds["information"]["chance"], atol=1e-4)
        chance = bounds["accuracy"]["chance"]
        answers = 600 * task.queries(task.sequence(key=key)).size
        assert abs(float(metrics["accuracy"]) - chance) < 4 * np.sqrt(chance * (1 - chance) / answers)

    @pytest.mark.parametrize(
        ("task", "alternatives"),
        [
            (Copy(5), 8),
            (Copy(5, alphabet=5, layout=Positional()), 5),
            (Recall(5), 8),
            (Recall(5, symbols=3), 3),
            (Xor(5), 2),
        ],
    )
    def test_levels(self, task, alternatives):
        bounds = task.bounds({})
        assert bounds["accuracy"] == {"best": 1.0, "chance": pytest.approx(1 / alternatives)}
        assert bounds["cross_entropy"] == {"best": 0.0, "chance": pytest.approx(np.log(alternatives))}
        assert bounds["information"] == {"best": pytest.approx(np.log(alternatives)), "chance": 0.0}

    def test_cross_entropy_is_in_nats_over_all_classes(self, key):
        metrics = evaluated(Recall(5), First(9, sure=2.0), 10, key)
        expected = np.log(np.exp(2) + 8) - 2
        np.testing.assert_allclose(metrics["cross_entropy"], expected, rtol=1e-6)
        np.testing.assert_allclose(metrics["information"], np.log(8) - expected, rtol=1e-6)

    @pytest.mark.slow
    def test_sequences_are_the_held_out_ones_of_the_key(self, key):
        """Against the same thing said in a loop."""
        task, model = Copy(9, symbols=3), Leaky(10, 10, key=key)
        right, surprise = [], []
        for row in range(4):
            window = task.held_out(key=jax.random.fold_in(key, row)).window(jnp.array(0), task.steps)
            memories = model.encode(model.init(), window.inputs, window.inside)[1]
            for k in range(12, 15):
                logits = np.asarray(model.predict(memories[k], window.inputs[k]), np.float64)
                right.append(np.argmax(logits) == window.outcomes[k])
                surprise.append(np.log(np.exp(logits).sum()) - logits[int(window.outcomes[k])])
        metrics = evaluated(task, model, 4, key)
        np.testing.assert_allclose(metrics["accuracy"], np.mean(right), rtol=1e-6)
        np.testing.assert_allclose(metrics["cross_entropy"], np.mean(surprise), rtol=1e-5)


class TestNumbers:
    """Squared error."""

    def test_who_remembers_is_right(self, key):
        model = Total(lambda x: (x[0] * x[1])[None], lambda total: total)
        assert float(evaluated(Add(50), model, 20, key, 16)["mse"]) < 1e-10

    def test_the_levels_are_those_of_arithmetic(self, key):
        task = Add(6)
        assert task.bounds({}) == {"mse": {"best": 0.0, "chance": 1 / 6}}
        blind = float(evaluated(task, Blind(jnp.ones(1)), 3000, key)["mse"])
        assert abs(blind - 1 / 6) < 4 * np.sqrt((1 / 15 - 1 / 36) / 3000)

    @pytest.mark.slow
    def test_who_knows_one_of_two_has_a_twelfth(self, key):
        found = float(evaluated(Add(6), FirstAddend(), 3000, key)["mse"])
        assert abs(found - 1 / 12) < 4 * np.sqrt((1 / 80 - 1 / 144) / 3000)


class TestPixels:
    """The digit of held-out images."""

    def pool(self, above):
        digits = jnp.asarray([0, 1, 1, 3], jnp.int32)
        shades = (20 * digits + above).astype(jnp.uint8)
        return ImagePool(jnp.broadcast_to(shades[:, None, None], (4, 2, 2)), digits)

    def test_held_out_images_are_judged(self, key):
        shade = Total(lambda x: jnp.round(x * 255), lambda total: one_of(10)((total / 4 - 10) / 20))
        for train, test, right in ((0, 10, 1.0), (10, 30, 0.0)):
            task = PixelImages(self.pool(train), self.pool(test))
            assert float(evaluated(task, shade, 30, key, 3)["accuracy"]) == right

    @pytest.mark.slow
    def test_chance_knows_how_often_each_digit_comes(self, key):
        task = PixelImages(TRAIN, ImagePool(jnp.zeros((4, 4, 4), jnp.uint8), jnp.asarray([0, 1, 1, 3])))
        bounds, entropy = task.bounds({}), np.log(4) * 0.5 + np.log(2) * 0.5
        assert bounds["accuracy"] == {"best": 1.0, "chance": 0.5}
        assert bounds["cross_entropy"]["chance"] == pytest.approx(entropy)
        knows = Blind(jnp.log(jnp.maximum(task.prior(), 1e-9)))
        found = evaluated(task, knows, 4000, key)["cross_entropy"]
        assert abs(float(found) - entropy) < 4 * np.log(2) / 2 / np.sqrt(4000)
        assert PixelImages(TRAIN, TEST).bounds({})["cross_entropy"]["chance"] == pytest.approx(np.log(10))


class TestReading:
    """Windows, and what is kept."""

    @pytest.mark.parametrize("read_size", [1, 4, 15, 19, 40])
    def test_the_read_out_is_that_of_the_step(self, read_size, key):
        sequence = Copy(9, symbols=3).sequence(key=key)
        count = Total(lambda x: jnp.ones(1), lambda total: total)
        queries = jnp.array([0, 3, 4, 14, 7])
        found = readouts_at(count, sequence, queries, steps=15, read_size=read_size)
        np.testing.assert_array_equal(found[:, 0], [1, 4, 5, 15, 8])

    @pytest.mark.parametrize(
        "read_size", [1, pytest.param(6, marks=pytest.mark.slow), 7, pytest.param(50, marks=pytest.mark.slow)]
    )
    @pytest.mark.few(1)
    def test_read_size_does_not_matter(self, read_size, key):
        task = Copy(15, symbols=3, layout=Scattered())
        model = Leaky(task.tokens, task.classes, key=key)
        whole = evaluated(task, model, 5, key, task.steps)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), evaluated(task, model, 5, key, read_size), whole
        )

    @pytest.mark.slow
    def test_a_million_steps_take_no_more_memory(self, key):
        sizes = []
        for distance in (10_000, 1_000_000):
            task = Recall(distance, distractors=True, noise=3)
            program = jax.jit(lambda k, task=task: task.evaluate(First(9), size=3, key=k)).lower(key).compile()
            sizes.append(program.memory_analysis().temp_size_in_bytes)
        assert sizes[0] == sizes[1] < 200_000
        assert float(program(key)["accuracy"]) == 1

    @pytest.mark.parametrize("name", ["copy", "scattered copy", "add"])
    def test_a_million_steps_are_a_few_numbers(self, name, key):
        million = 1_000_000
        task = {"copy": Copy(million), "scattered copy": Copy(million, layout=Scattered()), "add": Add(million)}[name]
        sequence = task.sequence(key=key)
        assert sum(leaf.size for leaf in jax.tree.leaves(sequence)) < 40
        window = sequence.window(jnp.array(999_990), 5)
        assert window.inside.all()

    @pytest.mark.parametrize(("size", "read_size"), [(0, 5), (3, 0)])
    def test_nothing_is_refused(self, size, read_size, key):
        with pytest.raises(ValueError, match=f"at least 1, got size={size}, read_size={read_size}"):
            Recall(5).evaluate(First(9), size=size, key=key, read_size=read_size)
