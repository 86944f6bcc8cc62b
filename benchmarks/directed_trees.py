"""Gibbs distributions over directed trees beside SynJax: CPU time of log-probability with gradient, draw, entropy.

    git clone https://github.com/google-deepmind/synjax
    python -m venv synjax-env
    synjax-env/bin/pip install jax==0.4.30 jaxlib==0.4.30 'numpy<2' scipy 'typeguard<3' equinox==0.11.4 \\
        jaxtyping==0.2.28 numba opt_einsum absl-py distrax
    taskset -c 0 python benchmarks/directed_trees.py --synjax synjax --synjax-python synjax-env/bin/python

SynJax (last commit of June 2025) is not on a package index, and needs libraries of 2024. A batch of 128, weights of
standard normal numbers, a fixed root with any number of arcs; both sides in turn, `--repeats` times, a process each,
medians of 15 calls. Then the largest error of a marginal of one such graph of 20 nodes whose two arcs between nodes 3
and 7 are raised, against the Laplacian inverted in float64.
"""

import argparse
import functools
import json
import pathlib
import statistics
import subprocess
import sys

from stopwatch import median_cpu

BATCH = 128
RAISED = (0, 6, 9, 12)
"""Nats by which the two arcs of a cycle are raised."""


def vestige_side(rates):
    import jax
    import jax.numpy as jnp

    from vestige.structures import GibbsArborescence

    keys = jax.random.split(jax.random.key(1), BATCH)

    def draw(rates):
        return jax.vmap(lambda w, k: GibbsArborescence(w).sample(key=k).value)(rates, keys)

    values = jax.jit(draw)(rates)

    def score(rates):
        return jnp.sum(jax.vmap(lambda w, t: GibbsArborescence(w).log_prob(t))(rates, values))

    def entropy(rates):
        return jnp.sum(jax.vmap(lambda w: GibbsArborescence(w).entropy())(rates))

    timed = {"log-prob + grad": jax.value_and_grad(score), "draw": draw, "entropy + grad": jax.value_and_grad(entropy)}
    return timed | {"log-partition": lambda graph: GibbsArborescence(graph).log_partition()}


def synjax_side(rates):
    import jax
    import jax.numpy as jnp
    import synjax

    def trees(rates):
        return synjax.SpanningTreeCRF(rates, directed=True, projective=False, single_root_edge=False)

    values = trees(rates).sample(jax.random.key(1))

    def score(rates):
        return jnp.sum(trees(rates).log_prob(values))

    timed = {"log-prob + grad": jax.value_and_grad(score), "draw": lambda rates: trees(rates).sample(jax.random.key(1))}
    return timed | {"log-partition": lambda graph: trees(graph[None]).log_partition()[0]}


def known_marginals(log_weights):
    """In float64, of directed trees from node 0."""
    import numpy as np

    weights = np.exp(log_weights.astype(np.float64))
    np.fill_diagonal(weights, 0)
    weights[:, 0] = 0
    inverse = np.zeros_like(weights)
    inverse[1:, 1:] = np.linalg.inv((np.diag(weights.sum(0)) - weights)[1:, 1:])
    return weights * (np.diag(inverse)[None, :] - inverse.T)


def errors(log_partition):
    """Of marginals, by how far a cycle is raised."""
    import jax
    import numpy as np

    found = {}
    for raised in RAISED:
        graph = np.random.default_rng(0).normal(size=(20, 20)).astype(np.float32)
        graph[3, 7] += raised
        graph[7, 3] += raised
        away = np.asarray(jax.grad(log_partition)(jax.numpy.asarray(graph))) - known_marginals(graph)
        found[f"error, cycle raised by {raised}"] = float(np.abs(away).max())
    return found


def side(make, sizes):
    import jax
    import jax.numpy as jnp
    import numpy as np

    found = {}
    for n in sizes:
        rates = jnp.asarray(np.random.default_rng(0).normal(size=(BATCH, n, n)), jnp.float32)
        for name, function in make(rates).items():
            if name == "log-partition":
                continue
            program = jax.jit(function)
            call = functools.partial(lambda program, rates: jax.block_until_ready(program(rates)), program, rates)
            found[f"{name}, n = {n}"] = median_cpu(call, 15)
    print(json.dumps(found | errors(make(rates)["log-partition"])))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 50])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--synjax", type=pathlib.Path, help="folder of its repository")
    parser.add_argument("--synjax-python", default=sys.executable)
    parser.add_argument("--side", choices=["vestige", "synjax"], help=argparse.SUPPRESS)
    settings = parser.parse_args()
    if settings.side:
        if settings.side == "synjax":
            sys.path.insert(0, str(settings.synjax))
        side({"vestige": vestige_side, "synjax": synjax_side}[settings.side], settings.sizes)
        return
    rounds = {"vestige": [], "synjax": []}
    sides = {"vestige": sys.executable} | ({"synjax": settings.synjax_python} if settings.synjax else {})
    for _ in range(settings.repeats):
        for name, python in sides.items():
            command = [python, __file__, "--side", name, "--sizes", *map(str, settings.sizes)]
            command += ["--synjax", str(settings.synjax)] if name == "synjax" else []
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            rounds[name].append(json.loads(said.splitlines()[-1]))
    for work in rounds["vestige"][0]:
        ours = [found[work] for found in rounds["vestige"]]
        if work.startswith("error"):
            theirs = [found[work] for found in rounds["synjax"]]
            print(f"{work:26} Vestige {ours[0]:.1e}" + (f"  SynJax {theirs[0]:.1e}" if theirs else ""))
            continue
        line = f"{work:26} Vestige {statistics.median(ours):7.2f} CPU ms"
        if rounds["synjax"] and work in rounds["synjax"][0]:
            theirs = [found[work] for found in rounds["synjax"]]
            ratios = sorted(t / o for t, o in zip(theirs, ours, strict=True))
            line += f"  SynJax {statistics.median(theirs):7.2f}  ratio {statistics.median(ratios):.2f}"
            line += f" ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        print(line)


if __name__ == "__main__":
    main()
