"""A picture and numbers, as features."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.models.longterm import Detector, Glimpse, Picture


def glimpse(key, time=()):
    keys = jax.random.split(key, 2)
    picture = jax.random.randint(keys[0], (*time, 16, 8, 3), 0, 256).astype(jnp.uint8)
    return Glimpse(picture, jax.random.normal(keys[1], (*time, 4)))


def test_what_is_not_named_is_not_seen(key):
    eye = drawn(lambda key: Picture((16, 8, 3), (2, 0), 5, key=key))
    seen = glimpse(key)
    slopes = jax.jit(jax.jacobian(lambda numbers: eye(Glimpse(seen.picture, numbers))))(seen.numbers)
    assert slopes.shape == (5, 4)
    assert bool(slopes[:, 0].any()) and bool(slopes[:, 2].any()) and not bool(slopes[:, jnp.array([1, 3])].any())


def test_every_place_and_channel_of_the_picture_is_seen(key):
    build = lambda key: Picture((16, 8, 3), (), 64, key=key)
    eyes = [drawn(build, seed=seed) for seed in range(5)]  # of one, some units may be dead
    look = eqx.filter_jit(lambda eye, seen: eye(seen))
    dark = Glimpse(jnp.zeros((16, 8, 3), jnp.uint8), jnp.zeros(4))
    for place in [(0, 0, 0), (6, 5, 1), (15, 7, 2)]:
        lit = Glimpse(dark.picture.at[place].set(255), dark.numbers)
        changed = [float(np.abs(look(eye, lit) - look(eye, dark)).max()) for eye in eyes]
        assert max(changed) > 0, place


def test_it_is_a_convolution(key):
    """Check by another implementation: kernels as large as their strides."""
    eye = drawn(lambda key: Picture((16, 8, 3), (), 5, key=key))
    seen = glimpse(key)
    image = jnp.moveaxis(seen.picture, -1, 0).astype(jnp.float32) / 255.0
    for layer, side in ((eye.first, 4), (eye.second, 2)):
        kernel = layer.weight.reshape(-1, side, side, image.shape[0]).transpose(0, 3, 1, 2)
        image = jax.lax.conv(image[None], kernel, (side, side), "VALID")[0]
        image = jax.nn.relu(image + layer.bias[:, None, None])
    expected = jax.nn.relu(eye.layer(jnp.moveaxis(image, 0, -1).ravel()))
    np.testing.assert_allclose(eye(seen), expected, rtol=1e-5, atol=1e-6)


def test_a_detector_takes_it(key):
    detector = drawn(lambda key: Detector(Picture((16, 8, 3), (0,), 5, key=key), 1, context=2, key=key))
    assert eqx.filter_eval_shape(detector, glimpse(key, (7,)), jnp.ones(7, bool)).shape == (6, 1)


@pytest.mark.parametrize(
    ("shape", "columns", "message"),
    [
        ((16, 12, 3), (0,), "rows and columns must be multiples of 8, got 16 and 12"),
        ((8, 8, 3), (0, 0), r"name each place once, from 0 on; got \(0, 0\)"),
        ((8, 8, 3), (-1,), r"from 0 on; got \(-1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(key, shape, columns, message):
    with pytest.raises(ValueError, match=message):
        Picture(shape, columns, 5, key=key)
