"""Sums of products of matrices are right as the installed version of jaxlib compiles them.

Versions that fail here do not belong into the requirements of `pyproject.toml`.
"""

import os
import subprocess
import sys

CODE = """
import jax, jax.numpy as jnp, numpy as np
x = np.random.default_rng(0).random((576, 16)).astype(np.float32)
found = jax.jit(lambda x: jnp.sum(x @ jnp.ones((16, 16)), axis=1))(x)
slopes = jax.jit(jax.grad(lambda p: jnp.sum((x * p[:, None]).T @ x)))(np.ones(576, np.float32))
np.testing.assert_allclose(found, 16 * x.sum(axis=1), rtol=1e-5)
np.testing.assert_allclose(slopes, x.sum(axis=1) ** 2, rtol=1e-5)
"""


def test_sums_of_products_of_matrices_and_their_gradients_are_right():
    """In a process that compiles as users do, with all optimisations."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("XLA", "JAX"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**clean, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
