"""Structures under the stopwatch: CPU and wall time of sampling, log-probability with gradient, conditional sampling.

    python benchmarks/structures.py [--batch 128] [--sizes 10 20 50 100 200]

Per structure and size the medians of several calls on a batch, in one process, and the ratio to the CPU time that the
authors' PyTorch code needed on one thread of such a machine (numbers of the project's notes, measured elsewhere at
another time: read the ratios as orders of magnitude).
"""

import argparse
import statistics
import time

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.structures import Arborescence, BinaryTree, Matching, Permutation, SpanningTree, Subset

AUTHORS = {  # (structure, n) -> CPU ms for 128 draws: sample, log-prob with gradient, conditional sample
    ("SpanningTree", 20): (16, 30, 27),
    ("SpanningTree", 50): (190, 403, 370),
    ("Arborescence", 20): (19, 36, 23),
    ("Arborescence", 50): (154, 311, 237),
    ("BinaryTree", 20): (62, 1.3, 1),
    ("BinaryTree", 50): (176, 5, 4),
    ("Matching", 20): (7, 16, 19),
    ("Matching", 50): (111, 322, 297),
}

MAKERS = {
    "SpanningTree": ((2,), lambda w: SpanningTree((w + w.T) / 2)),
    "Arborescence": ((2,), lambda w: Arborescence(w)),
    "BinaryTree": ((1,), lambda w: BinaryTree(w)),
    "Matching": ((2,), lambda w: Matching(w)),
    "Permutation": ((1,), lambda w: Permutation(w)),
    "Subset": ((1,), lambda w: Subset(w, 5)),
}


def timed(f, *arguments, calls=9):
    """Compile seconds, and median CPU and wall milliseconds of one call."""
    began = time.perf_counter()
    compiled = jax.jit(f).lower(*arguments).compile()
    seconds = time.perf_counter() - began
    jax.block_until_ready(compiled(*arguments))
    cpu, wall = [], []
    for _ in range(calls):
        c, w = time.process_time(), time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        cpu.append((time.process_time() - c) * 1e3)
        wall.append((time.perf_counter() - w) * 1e3)
    return seconds, statistics.median(cpu), statistics.median(wall)


def measure(name, n, batch):
    (dimensions,), make = MAKERS[name]
    rates = jax.random.normal(jax.random.key(0), (batch, *([n] * dimensions)))
    keys = jax.random.split(jax.random.key(1), batch)

    def sample(rates, keys):
        draws = jax.vmap(lambda w, k: make(w).sample(key=k))(rates, keys)
        return draws.value, draws.trace, draws.log_times

    def score(rates, traces):
        return jax.value_and_grad(lambda w: jnp.sum(jax.vmap(lambda w, t: make(w).log_prob(t))(w, traces)))(rates)

    def posterior(rates, traces, keys):
        return jax.vmap(lambda w, t, k: make(w).posterior(t, key=k))(rates, traces, keys)

    _, traces, _ = eqx.filter_jit(sample)(rates, keys)
    return timed(sample, rates, keys), timed(score, rates, traces), timed(posterior, rates, traces, keys)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 50, 100, 200])
    parser.add_argument("--structures", nargs="+", default=list(MAKERS))
    settings = parser.parse_args()
    print(f"batch {settings.batch}, {jax.devices()[0].device_kind}; median CPU ms (wall ms)")
    print(f"{'structure':14}{'n':>5}  {'sample':>15}  {'log-prob + grad':>15}  {'posterior':>15}  compile s  ratio")
    for name in settings.structures:
        for n in settings.sizes:
            parts = measure(name, n, settings.batch)
            cells = "  ".join(f"{cpu:7.1f} ({wall:5.1f})" for _, cpu, wall in parts)
            known = AUTHORS.get((name, n))
            ratio = ""
            if known and settings.batch == 128:
                together = sum(known) / sum(cpu for _, cpu, _ in parts)
                ratio = f"{together:.0f} together, {known[0] / parts[0][1]:.0f} sample"
            print(f"{name:14}{n:5}  {cells}  {sum(seconds for seconds, _, _ in parts):9.1f}  {ratio}", flush=True)


if __name__ == "__main__":
    main()
