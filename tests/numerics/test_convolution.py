"""Products of matrices against XLA's convolution, and against the layers of Equinox."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.layers import convolved
from vestige.numerics import convolve

FORMS = [
    ((9,), (3,), {}),
    ((9, 8), (3, 2), {"stride": 2, "padding": (1, 2)}),
    ((6, 7, 5), (2, 3, 1), {"stride": 2}),
    ((5, 4), (1, 1), {"padding": (0, 1)}),
    ((4, 3), (4, 4), {"padding": (2, 3), "spread": 2}),
]


def of_xla(x, kernel, stride=1, padding=(0, 0), spread=1):
    axes = x.ndim - 1
    images = jnp.moveaxis(x, -1, 0)[None]
    found = jax.lax.conv_general_dilated(
        images, kernel, (stride,) * axes, [padding] * axes, lhs_dilation=(spread,) * axes, precision="highest"
    )
    return jnp.moveaxis(found[0], 0, -1)


@pytest.mark.parametrize(("places", "window", "options"), FORMS)
def test_values_and_gradients_are_those_of_a_convolution(places, window, options):
    keys = jax.random.split(jax.random.key(0))
    x, kernel = jax.random.normal(keys[0], (*places, 3)), jax.random.normal(keys[1], (4, 3, *window))

    @jax.jit
    def both(x, kernel):
        found = []
        for form in (convolve, of_xla):
            value = lambda x, kernel, form=form: jnp.sum(jnp.sin(form(x, kernel, **options)))
            found.append((form(x, kernel, **options), *jax.grad(value, (0, 1))(x, kernel)))
        return found

    for ours, theirs in zip(*both(x, kernel), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("transposed", [False, True])
def test_layers_of_equinox(transposed):
    kind = eqx.nn.ConvTranspose2d if transposed else eqx.nn.Conv2d
    layer = kind(3, 5, 4, 2, padding=1, key=jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (3, 6, 8))
    ours = jnp.moveaxis(convolved(layer, jnp.moveaxis(x, 0, -1)), -1, 0)
    np.testing.assert_allclose(ours, layer(x), rtol=1e-5, atol=1e-5)


def test_products_of_mixed_precision_are_promoted():
    x, kernel = jnp.ones((5, 2)), jnp.ones((3, 2, 2), jnp.bfloat16)
    with jax.numpy_dtype_promotion("standard"):
        assert convolve(x, kernel).dtype == jnp.float32
    assert convolve(x.astype(jnp.bfloat16), kernel).dtype == jnp.bfloat16


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="an axis of the window for each place"):
        convolve(jnp.ones((5, 2)), jnp.ones((3, 2, 2, 2)))
    with pytest.raises(ValueError, match="got kernel"):
        convolve(jnp.ones((5, 2)), jnp.ones((3, 4, 2)))
    with pytest.raises(ValueError, match="does not fit into"):
        convolve(jnp.ones((5, 2)), jnp.ones((3, 2, 6)))


@pytest.mark.parametrize("other", [{"dilation": 2}, {"groups": 3}, {"padding_mode": "REFLECT"}, {"padding": "SAME"}])
def test_layers_of_another_form_are_refused(other):
    layer = eqx.nn.Conv2d(3, 6, 3, key=jax.random.key(0), **other)
    with pytest.raises(ValueError, match="convolved: the layer must have one window"):
        convolved(layer, jnp.ones((6, 6, 3)))


def test_no_convolution_is_left_to_the_compiler():
    x, kernel = jnp.ones((6, 6, 2)), jnp.ones((3, 2, 2, 2))
    grad = jax.grad(lambda x, kernel: jnp.sum(convolve(x, kernel, stride=2) ** 2), (0, 1))
    assert "convolution" not in jax.jit(grad).lower(x, kernel).as_text()
