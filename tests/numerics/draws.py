"""Draws of every kind that the library makes."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


def twice(keys):
    """Numbers that two kernels use, one after the other, over keys that lie on all devices."""
    noise = jax.vmap(lambda key: jax.random.uniform(key, (100,)))(keys)
    return jnp.sort(noise, axis=-1), noise @ jnp.ones((100, 3))


def every():
    key = jax.random.key(7)
    found = {
        f"bits {size}": jax.jit(lambda key, size=size: jax.random.bits(key, (size,)))(key)
        for size in (0, 1, 63, 64, 65, 4097)
    }
    for width in (8, 16, 64):
        with jax.enable_x64(width == 64):
            found[f"bits of {width}"] = jax.random.bits(key, (9, 11), dtype=f"uint{width}")
    for name in ("normal", "gumbel", "uniform", "exponential", "bernoulli"):
        draw = getattr(jax.random, name)
        found[name] = draw(key, shape=(3, 50))
    found["permutation"] = jax.random.permutation(key, 1000)
    found["bfloat16"] = jax.random.normal(key, (200,), jnp.bfloat16).astype(jnp.float32)
    keys = jax.random.split(key, 40)
    found["split"] = jax.random.key_data(keys)
    found["folded"] = jax.random.key_data(jax.vmap(jax.random.fold_in)(keys, jnp.arange(40)))
    found["over keys"] = jax.vmap(lambda key: jax.random.normal(key, (30,)))(keys)

    def step(carried, count):
        noise = jax.random.normal(jax.random.fold_in(key, count), (70,))
        return carried * 0.5 + noise, carried.sum()

    found["scan"] = jax.lax.scan(step, jnp.zeros(70), jnp.arange(5))[1]
    found["gradient"] = jax.grad(lambda x: jnp.sum(jnp.sin(x * jax.random.normal(key, (90,)))))(1.0)
    placed = jax.device_put(keys, NamedSharding(Mesh(np.array(jax.devices()), ("data",)), PartitionSpec("data")))
    program = jax.jit(twice).lower(placed).compile()
    found["sorted"], found["products"] = program(placed)
    text = program.as_text()
    found["loops"] = text.count(" while(")
    found["exchanges"] = sum(text.count(name) for name in ("all-reduce", "collective-permute"))
    return {name: np.asarray(value) for name, value in found.items()}
