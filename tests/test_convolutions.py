"""No convolution is left to the compiler, which on a CPU takes forty times as long for one in a loop of updates."""

import ast
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import vestige
from vestige.models.longterm import Detector, Token
from vestige.models.temporal import VisualDecoder, VisualEncoder
from vestige.models.tied import Convolution

PACKAGE = Path(vestige.__file__).parent
LIBRARIES = {"lax", "jax.lax", "jnp", "jax.numpy", "jsp.signal", "jax.scipy.signal"}
CONTAINERS = {"models/layers.py", "models/longterm/detector.py", "models/temporal/visual.py"}
"""What holds layers of Equinox, as kernels and biases: `convolved` applies them."""


def compilers_own(source: str) -> list[str]:
    """Convolutions of JAX, and layers of Equinox that are one."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if owner in LIBRARIES and node.attr.startswith(("conv", "correlate", "fftconvolve")):
                found += [] if node.attr.startswith("convert") else [f"{owner}.{node.attr}"]
            elif owner.endswith("nn") and node.attr.startswith("Conv"):
                found.append(f"{owner}.{node.attr}")
    return found


def test_the_package_has_none():
    found = {p.relative_to(PACKAGE).as_posix(): set(compilers_own(p.read_text())) for p in PACKAGE.rglob("*.py")}
    held = {name for name, calls in found.items() if any(".nn." in call or call.startswith("nn.") for call in calls)}
    others = {name: calls for name, calls in found.items() if any(".nn." not in call for call in calls)}
    assert others == {}, "use vestige.numerics.convolve"
    assert held == CONTAINERS, "apply the layer by vestige.models.layers.convolved"


def test_the_test_sees_one():
    source = (
        "y = jax.lax.conv(a, b)\nz = jnp.convolve(a, b)\nl = eqx.nn.Conv1d(1, 2, 3)\nc = lax.convert_element_type(a)"
    )
    assert sorted(compilers_own(source)) == ["eqx.nn.Conv1d", "jax.lax.conv", "jnp.convolve"]


STEPS = jnp.zeros(12, int), jnp.ones(12, bool)


@pytest.mark.parametrize(
    ("make", "given"),
    [
        (lambda key: Detector(Token(4, 3, key=key), 2, context=5, key=key), STEPS),
        (lambda key: VisualEncoder((8, 8), 6, key=key), (jnp.zeros((8, 8)),)),
        (lambda key: VisualDecoder(6, (8, 8), 7, key=key), (jnp.zeros(6),)),
    ],
    ids=["detector", "encoder", "decoder"],
)
def test_the_gradient_of_a_part_has_none(make, given):
    arrays, static = eqx.partition(make(jax.random.key(0)), eqx.is_array)
    grad = jax.grad(lambda arrays: jnp.sum(eqx.combine(arrays, static)(*given)))
    assert "convolution" not in jax.jit(grad).lower(arrays).as_text()


def test_a_connection_of_tied_nets_has_none():
    connection = Convolution((2, 5, 4), 3, 3, padding=1)
    lower, upper = jnp.zeros((6, *connection.lower)), jnp.zeros((6, *connection.upper))
    kernel = jnp.zeros(connection.kernel_shape)

    def used(kernel, lower, upper):
        up = jax.vmap(lambda x: connection.up(kernel, x))(lower)
        return up, jax.vmap(lambda x: connection.down(kernel, x))(upper), connection.correlate(lower, upper)

    assert "convolution" not in jax.jit(used).lower(kernel, lower, upper).as_text()
