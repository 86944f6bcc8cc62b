"""Random bits whose rounds are written out, which a CPU's compiler makes less of than of a loop over them."""

import jax
import jax.numpy as jnp
from jax.extend.random import threefry2x32_p
from jax.interpreters import mlir
from jaxtyping import Array, UInt32

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
GROUPS = 5
"""Of four rounds each."""
PARITY = 0x1BD11BDA

Words = UInt32[Array, " *shape"]


def threefry_2x32(key: tuple[Words, Words], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """Threefry 2x32 with 20 rounds, written out.

    Cost: 20 additions, rotations and exclusive ors for each pair of words.

    Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.2.

    **Arguments:**

    - `key`, `counter`: two words of 32 bits each, of the same shape.

    **Returns:** two words, those of JAX's own `threefry2x32_p`, bit for bit.
    """
    keys = (*key, key[0] ^ key[1] ^ jnp.uint32(PARITY))
    a, b = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(GROUPS):
        for places in ROTATIONS[group % 2]:
            a = a + b
            b = ((b << jnp.uint32(places)) | (b >> jnp.uint32(32 - places))) ^ a
        a = a + keys[(group + 1) % 3]
        b = b + keys[(group + 2) % 3] + jnp.uint32(group + 1)
    return a, b


def write_out_threefry() -> None:
    """Have every program that is compiled for a CPU from now on draw random bits by `threefry_2x32`.

    JAX has a loop over groups of rounds on a CPU, which takes longer to compile. A loop of one pass, whose end the
    compiler does not see, keeps the rounds apart as well: without it, who uses a draw twice computes it twice. The
    bits are the same. It is for a process that belongs to Vestige, since it is a setting of JAX for the whole process.
    """
    lowering = mlir.lower_fun(_apart, multiple_results=True)
    mlir.register_lowering(threefry2x32_p, lowering, platform="cpu")


@jax.jit  # lowered once for a shape
def _apart(k1: Array, k2: Array, a: Array, b: Array) -> tuple[Array, Array]:
    shape = jnp.broadcast_shapes(k1.shape, k2.shape, a.shape, b.shape)
    k1, k2, a, b = (jnp.broadcast_to(words, shape) for words in (k1, k2, a, b))
    once = jax.lax.optimization_barrier(jnp.uint32(1))
    _, a, b = jax.lax.while_loop(
        lambda carried: carried[0] < once,
        lambda carried: (carried[0] + 1, *threefry_2x32((k1, k2), carried[1:])),
        (jnp.uint32(0), a, b),
    )
    return a, b
