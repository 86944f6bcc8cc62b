"""How far implicit maximum likelihood is from the gradient, by its step: the tables in docs/latents.md.

    python benchmarks/implicit_mle.py                  every structure, on the CPU
    python benchmarks/implicit_mle.py arborescence     some of them

For each structure of four items, rows or nodes, three points (normal log-rates) and two costs, Σ c X and (Σ c X)² / 4
with normal c: the angle between the mean of 20,000 draws and the exact gradient, by enumeration; and, in brackets, the
standard deviation of one draw over the length of the gradient. Seeds 0, 1, 2.
"""

import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vestige.estimators import BiasedImplicitMLE, Exact, LeaveOneOut, expect
from vestige.registries import registry

STRUCTURES = ["categorical", "subset", "spanning-tree", "matching", "arborescence"]
STEPS = [0.1, 0.2, 0.5, 1.0, 2.0]
SEEDS, DRAWS = 3, 20_000


class Case(NamedTuple):
    """A point and a cost."""

    point: Any
    weights: Any
    squared: Any

    def cost(self, value: Any) -> Any:
        linear = jnp.sum(self.weights * value)
        return jnp.where(self.squared, linear**2 / 4, linear)


def cases(spec: Any) -> list[Case]:
    found = []
    for seed in range(SEEDS):
        point, weights = jax.random.split(jax.random.key(seed))
        point = jax.random.normal(point, (spec.coordinates,))
        weights = jax.random.normal(weights, spec.value_shape)
        found += [Case(point, weights, jnp.array(squared)) for squared in (False, True)]
    return found


def gradient(spec: Any, estimator: Any, case: Case, key: Any) -> Any:
    return jax.grad(lambda x: expect(case.cost, spec.build(x), estimator=estimator, key=key))(case.point)


def measured(spec: Any, estimator: Any) -> list[tuple[Any, Any]]:
    """Of each case the mean and the standard deviation of the estimates."""

    @jax.jit
    def many(case, keys):
        found = jax.lax.map(lambda key: gradient(spec, estimator, case, key), keys, batch_size=2000)
        return jnp.mean(found, axis=0), jnp.sqrt(jnp.sum(jnp.var(found, axis=0)))

    keys = jax.random.split(jax.random.key(1), DRAWS)
    return [jax.device_get(many(case, keys)) for case in cases(spec)]


def angle(a, b):
    return np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


def row(name: str) -> tuple[Any, Any, Any]:
    """Angles, their mean, and noise, its median, for every step; and the noise of leave-one-out for as many draws."""
    spec = registry("structure")[name]
    exact = jax.jit(lambda case: gradient(spec, Exact(), case, jax.random.key(0)))
    wanted = [np.asarray(exact(case)) for case in cases(spec)]
    lengths = [np.linalg.norm(one) for one in wanted]
    angles, noise = [], []
    for step in STEPS:
        found = measured(spec, BiasedImplicitMLE(step))
        angles.append(np.mean([angle(mean, one) for (mean, _), one in zip(found, wanted, strict=True)]))
        noise.append(np.median([spread / one for (_, spread), one in zip(found, lengths, strict=True)]))
    other = [spread * 2**0.5 / one for (_, spread), one in zip(measured(spec, LeaveOneOut(2)), lengths, strict=True)]
    return angles, noise, np.median(other)


def main() -> None:
    names = sys.argv[1:] or STRUCTURES
    header = " | ".join(f"step {step:g}" for step in STEPS)
    print(f"| structure | {header} | `LeaveOneOut` |\n|---|{'---|' * (len(STEPS) + 1)}")
    for name in names:
        angles, noise, other = row(name)
        cells = " | ".join(f"{degrees:.0f}° ({spread:.0f})" for degrees, spread in zip(angles, noise, strict=True))
        print(f"| {name} | {cells} | 0° ({other:.0f}) |", flush=True)


if __name__ == "__main__":
    main()
