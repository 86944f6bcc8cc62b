import equinox as eqx
import jax
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.models.temporal import (
    VisualDecoder,
    VisualEncoder,
    count_parameters,
    gtmm,
    match_width,
    shapes,
    vrnn,
)

from .conftest import introspection


@pytest.mark.slow
def test_compared_models_agree_within_one_and_a_half_percent(key):
    sizes = {"latent_size": 12, "width": 128}
    counted = lambda build: count_parameters(shapes(build))
    reference = counted(lambda: gtmm((8, 8), introspection(15), controller_size=96, key=key, **sizes))
    for full in (False, True):
        build = lambda width, full=full: vrnn((8, 8), full=full, controller_size=width, key=key, **sizes)
        count = counted(lambda build=build: build(match_width(build, reference)))
        assert abs(count - reference) <= 0.015 * reference


def test_shapes_count_like_arrays(key):
    build = lambda: gtmm((4, 4), introspection(), latent_size=3, controller_size=8, width=6, key=key)
    assert count_parameters(shapes(build)) == count_parameters(build())


def test_a_target_out_of_reach_is_an_error(key):
    build = lambda width: vrnn((4, 4), latent_size=3, controller_size=width, width=64, key=key)
    with pytest.raises(ValueError, match="within 1.5 %"):
        match_width(build, 10)


def test_the_paper_sized_models_have_the_papers_size(key):
    build = lambda: gtmm(
        (28, 28),
        introspection(15),
        latent_size=32,
        controller_size=256,
        width=256,
        encoder=VisualEncoder,
        decoder=VisualDecoder,
        key=key,
    )
    assert 1.5e6 < count_parameters(shapes(build)) < 2.3e6


@pytest.mark.parametrize("shape", [(8, 12), (8, 12, 3)])
@pytest.mark.slow
def test_the_visual_model_runs(shape, key):
    visual = {"encoder": VisualEncoder, "decoder": VisualDecoder}
    sizes = {"latent_size": 3, "controller_size": 8, "width": 6}
    model = drawn(lambda key: gtmm(shape, introspection(), **sizes, **visual, key=key))
    frames = np.asarray(jax.random.bernoulli(key, 0.5, (3, *shape)), np.float32)
    followed = eqx.filter_jit(lambda model, frames: model.filter(frames, key=key))(model, frames)
    assert followed.frame_parameters.shape == (3, *shape)
    turned = frames.copy()
    turned[:, 0, 0] = 1 - frames[:, 0, 0]
    encoded = jax.jit(jax.vmap(lambda frame: model.encoder(frame)))
    assert not np.allclose(encoded(turned), encoded(frames))


@pytest.mark.parametrize("shape", [(10, 8), (8, 10, 3), (8,), (8, 8, 0)])
def test_a_frame_that_cannot_be_halved_twice_is_an_error(shape, key):
    with pytest.raises(ValueError, match="multiples of 4"):
        VisualEncoder(shape, 6, key=key)
