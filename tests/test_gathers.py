"""An index or a size that comes from outside is never read past the end."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.twocolors.invented import invented
from vestige.data import FrameSet
from vestige.models.longterm import Columns, Token
from vestige.models.tied import Bits, OneHot, PlainForward, round_trip, tied_pair
from vestige.numerics import batched_map
from vestige.tasks.filtering import Characters
from vestige.tasks.filtering.recordings import stretches
from vestige.tasks.images import ImagePool
from vestige.tasks.twocolors import Recorded


@pytest.mark.parametrize("token", [-1, 5, 2**20])
def test_a_token_out_of_range(token, key):
    """The last, or the first, token's vector would be read."""
    table = Token(5, 3, key=key)
    with pytest.raises(ValueError, match=f"tokens must be 0 to 4, got {token}"):
        table(jnp.asarray(token))
    assert np.isnan(eqx.filter_jit(table)(jnp.asarray(token))).all()
    assert np.isfinite(eqx.filter_jit(table)(jnp.asarray(4))).all()


def test_a_column_that_there_is_not(key):
    with pytest.raises(ValueError, match="places must be below 3, the numbers of a step, got 7"):
        Columns([0, 7], 4, key=key)(jnp.ones(3))


def test_a_class_that_no_image_shows_has_none(key):
    pool = ImagePool(jnp.zeros((4, 2, 2), jnp.uint8), jnp.asarray([0, 0, 2, 5]))
    found = np.asarray(pool.pick_of(jnp.asarray([0, 1, 2, 7, 5, 9]), key=key))
    assert found[[1, 3, 5]].tolist() == [-1, -1, -1] and found[0] in (0, 1) and found[[2, 4]].tolist() == [2, 3]


def test_rows_of_different_numbers():
    with pytest.raises(ValueError, match=r"as many rows, at least 1, got \[3, 5\]"):
        batched_map(lambda pair: pair[0], (jnp.ones(5), jnp.ones(3)), at_most=2)
    with pytest.raises(ValueError, match=r"got \[0\]"):
        batched_map(lambda x: x, jnp.ones(0), at_most=2)


def test_characters_out_of_the_alphabet():
    text = jnp.asarray([0, 1, 2, 3])
    with pytest.raises(ValueError, match="train must hold places in the alphabet, 0 to 2, got 3 at 3"):
        Characters(text, text, "abc", 3)


def test_outcomes_that_are_too_few():
    frames = FrameSet(np.ones((5, 2)), np.array([5]), ("a", "b"))
    with pytest.raises(ValueError, match="5 frames need as many outcomes, got 4"):
        stretches(frames, np.ones((4, 1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": np.zeros(3, np.int32)}, "frames need as many actions and rewards, got 3 and"),
        ({"rewards": np.zeros(3, np.float32)}, "frames need as many actions and rewards, got .* and 3"),
        ({"choices": 2}, "actions must be from 0 to 1, got 0 to 3"),
        ({"begins": np.zeros(1, np.int32)}, "has a beginning and a length, got 1 and 4"),
    ],
)
def test_recordings_that_do_not_go_together(change, message):
    good = invented(4)
    fields = ("frames", "actions", "rewards", "begins", "lengths", "horizon", "choices")
    with pytest.raises(ValueError, match=message):
        Recorded(**({name: getattr(good, name) for name in fields} | change))


def test_a_label_that_is_no_class(key):
    """One-hot of a class that there is not is all zeros: the image of no class."""
    net = tied_pair([Bits(4), Bits(2), OneHot(2)], key=key).resolve()
    with pytest.raises(ValueError, match="label must be a class of the top, 0 to 1, got 2"):
        round_trip(net, PlainForward(), jnp.asarray(2), key=key)
