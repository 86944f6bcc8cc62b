"""Rounds written out draw what JAX draws. Oracles: the authors' known answers, and JAX's own programs."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.numerics.threefry import threefry_2x32

# Random123 1.09, kat_vectors: "threefry2x32 20", counter, key, result.
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]

DRAWS = """
import sys
import jax, jax.numpy as jnp, numpy as np
if sys.argv[2] == "ours":
    from vestige.numerics.threefry import write_out_threefry
    write_out_threefry()
from tests.numerics.draws import every
np.savez(sys.argv[1], **every())
"""


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_authors_known_answers(counter, key, expected):
    def words(pair):
        return tuple(jnp.asarray([each], jnp.uint32) for each in pair)

    assert tuple(int(word[0]) for word in threefry_2x32(words(key), words(counter))) == expected


def drawn(folder, whose):
    at, flags = folder / f"{whose}.npz", "--xla_force_host_platform_device_count=4"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "JAX_ENABLE_COMPILATION_CACHE": "false"}
    subprocess.run([sys.executable, "-c", DRAWS, str(at), whose], check=True, env=environment)
    return dict(np.load(at))


def test_programs_draw_the_same_bits(tmp_path):
    theirs, ours = (drawn(tmp_path, whose) for whose in ("theirs", "ours"))
    assert theirs.keys() == ours.keys()
    for name in theirs.keys() - {"loops", "exchanges"}:
        np.testing.assert_array_equal(theirs[name], ours[name], err_msg=name)
    # A draw that is used twice is computed once, in a loop: whoever sees its end writes it out where it is used.
    assert (int(theirs["loops"]), int(ours["loops"])) == (1, 1)
    assert int(ours["exchanges"]) == 0
    assert len(theirs) > 10


def test_jax_loops_over_rounds():
    """Where this fails JAX has no such loop any more, and `write_out_threefry` is to go."""
    lowered = jax.jit(lambda key: jax.random.bits(key, (100,))).lower(jax.random.key(0))
    assert "stablehlo.while" in lowered.as_text()
