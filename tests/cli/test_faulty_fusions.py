"""Sums that a version of XLA compiles wrongly are right in processes of the command line."""

import os
import subprocess
import sys

import pytest

from vestige.cli import environment

CODE = """
import sys
from vestige.cli.environment import avoid_faulty_fusions
avoid_faulty_fusions()
import jax, jax.numpy as jnp, numpy as np
x = np.random.default_rng(0).random((576, 16)).astype(np.float32)
found = jax.jit(lambda x: jnp.sum(x @ jnp.ones((16, 16)), axis=1))(x)
slopes = jax.jit(jax.grad(lambda p: jnp.sum((x * p[:, None]).T @ x)))(np.ones(576, np.float32))
np.testing.assert_allclose(found, 16 * x.sum(axis=1), rtol=1e-5)
np.testing.assert_allclose(slopes, x.sum(axis=1) ** 2, rtol=1e-5)
"""


def test_sums_of_products_are_right_gradients_included():
    """With any version of jaxlib: one that fails here belongs into `FAULTY`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("XLA", "JAX"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**clean, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("version", "flags", "after"),
    [
        ("0.10.2", "", environment.SOUND),
        ("0.10.2", "--one", f"--one {environment.SOUND}"),
        ("0.10.2", "--xla_cpu_experimental_ynn_fusion_type=dot", "--xla_cpu_experimental_ynn_fusion_type=dot"),
        ("0.10.1", "--one", "--one"),
    ],
)
def test_only_faulty_versions_get_the_flag_and_the_user_has_the_last_word(monkeypatch, version, flags, after):
    monkeypatch.setattr(environment.importlib.metadata, "version", lambda name: version)
    monkeypatch.delitem(sys.modules, "jax")
    monkeypatch.setenv("XLA_FLAGS", flags)
    environment.avoid_faulty_fusions()
    assert os.environ["XLA_FLAGS"] == after


def test_a_process_that_has_jax_is_left_alone(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "")
    environment.avoid_faulty_fusions()
    assert "jax" in sys.modules and os.environ["XLA_FLAGS"] == ""
