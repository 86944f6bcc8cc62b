import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data import DATASETS
from vestige.tasks import ImagePool, PerfectRecall


def pool(seed, count=40, stochastic=False):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 4, 4), dtype=np.uint8)
    return ImagePool(jnp.asarray(pixels), jnp.zeros(count, jnp.int32), stochastic)


@eqx.filter_jit
def trained_on(task, size, key):
    return task.batch(size=size, key=key).inputs


def task(l=6, k=4, **options):
    return PerfectRecall(pool(0), pool(1), l=l, k=k, **options)


@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize(("l", "k"), [(6, 4), (3, 3), (1, 1)])
def test_recalled_frames_are_the_first_ones_bit_for_bit(l, k, stochastic, key):
    recall = PerfectRecall(pool(0, stochastic=stochastic), pool(1), l=l, k=k)
    frames = np.asarray(trained_on(recall, 5, key))
    assert frames.shape == (5, l + k, 4, 4)
    np.testing.assert_array_equal(frames[:, l:], frames[:, :k])
    assert set(np.unique(frames)) <= {0.0, 1.0}


def test_the_control_recalls_nothing(key):
    frames = np.asarray(trained_on(task(control=True), 5, key))
    assert frames.shape == (5, 10, 4, 4)
    assert not np.array_equal(frames[:, 6:], frames[:, :4])


def test_row_i_is_drawn_from_the_i_th_fold_of_the_key(key):
    recall = task()
    for row, frames in enumerate(trained_on(recall, 3, key)):
        drawn = recall.train.draw(6, key=jax.random.fold_in(key, row))
        np.testing.assert_array_equal(frames, jnp.concatenate([drawn, drawn[:4]]))
    key_index, key_ink = jax.random.split(key)
    index = jax.random.randint(key_index, (6,), 0, 40)
    np.testing.assert_array_equal(recall.train.draw(6, key=key), recall.train.fetch(index, key=key_ink))


def members(images, source):
    known = {row.tobytes() for row in (np.asarray(source.pixels) >= 128).astype(np.float32)}
    return {image.tobytes() in known for image in np.asarray(images).reshape(-1, 4, 4)}


def test_training_and_held_out_images_stay_apart(key):
    recall = task()
    assert members(trained_on(recall, 4, key), recall.train) == {True}
    judged = jax.jit(lambda key: recall.held_out(size=4, key=key).inputs)(key)
    assert members(judged, recall.test) == {True}
    assert members(judged, recall.train) == {False}


@pytest.mark.slow
def test_every_image_is_drawn_equally_often(key):
    index = jnp.arange(8)
    pixels = jnp.broadcast_to((index * 0)[:, None, None], (8, 1, 1)).astype(jnp.uint8)
    marked = ImagePool(pixels + (index == 7)[:, None, None].astype(jnp.uint8) * 255, index)
    drawn = marked.draw(40_000, key=key)
    assert abs(float(drawn.mean()) - 1 / 8) < 4 * np.sqrt(1 / 8 * 7 / 8 / 40_000)


@pytest.mark.slow
def test_stochastic_ink_follows_the_intensity(key):
    grey = ImagePool(jnp.full((1, 1, 1), 51, jnp.uint8), jnp.zeros(1, jnp.int32), stochastic=True)
    drawn = grey.draw(80_000, key=key)
    assert abs(float(drawn.mean()) - 0.2) < 4 * np.sqrt(0.16 / 80_000)


def test_threshold_is_at_mid_grey():
    grey = ImagePool(jnp.array([127, 128], jnp.uint8).reshape(2, 1, 1), jnp.zeros(2, jnp.int32))
    np.testing.assert_array_equal(grey.fetch(jnp.arange(2), key=jax.random.key(0)).reshape(-1), [0, 1])


@pytest.mark.parametrize(
    ("l", "k", "message"),
    [(0, 1, "at least 1, got l=0"), (3, 0, "at least 1, got l=3, k=0"), (3, 4, "k <= l; got l=3, k=4")],
)
def test_impossible_lengths_are_refused(l, k, message):
    with pytest.raises(ValueError, match=message):
        task(l, k)


@pytest.mark.parametrize("name", ["digits", "glyphs"])
@pytest.mark.few(1)
def test_shipped_and_generated_images_fit(name, key):
    if name == "glyphs":
        train, test = (DATASETS["glyphs"].__class__(4, 3, 2).load(split) for split in ("train", "test"))
    else:
        train, test = (DATASETS[name].load(split) for split in ("train", "test"))
    recall = PerfectRecall(*(ImagePool(jnp.asarray(s.images), jnp.asarray(s.labels)) for s in (train, test)))
    mean = float(trained_on(recall, 16, key).mean())
    assert 0.03 < mean < 0.6
