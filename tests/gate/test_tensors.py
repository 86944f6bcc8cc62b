"""Files of safetensors: what is sound is read to the bit, what is not is refused by name."""

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save

from vestige import gate

ARRAYS = {
    "half": np.asarray(jnp.array([1.5, -2.0], jnp.bfloat16)),
    "none": np.zeros((0, 2), np.float32),
    "number": np.array(3, np.int32),
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(save(ARRAYS, {"update": "7"}))
    return path


def test_every_type_and_shape_comes_back(file):
    found = gate.read_safetensors(file)
    assert found.metadata == {"update": "7"} and found.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


@pytest.mark.parametrize("content", [b"", b"\x08", b"{}", b"\xff" * 100, "cut", "more"])
def test_what_is_not_sound_is_refused(file, content):
    sound = file.read_bytes()
    file.write_bytes({"cut": sound[:-3], "more": sound + b"x"}.get(content, content))
    with pytest.raises(gate.Unreadable, match="no sound safetensors file"):
        gate.read_safetensors(file)


def test_folders_and_what_is_not_there_are_named(tmp_path):
    with pytest.raises(gate.Missing):
        gate.read_safetensors(tmp_path / "gone")
    with pytest.raises(gate.Unreadable, match="folder"):
        gate.read_safetensors(tmp_path)
