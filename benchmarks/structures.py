"""Structures under the stopwatch: CPU time of sampling, log-probability with gradient, conditional sampling.

    taskset -c 0 python benchmarks/structures.py [--batch 128] [--sizes 10 20 50 100 200]

Per structure and size the medians of several calls on a batch, one process. With the authors' code beside it, in turn,
a process each, with one thread:

    git clone https://github.com/RakitinDen/pytorch-recursive-gumbel-max-trick authors
    python -m venv torch-env && torch-env/bin/pip install torch==2.13.0 setuptools wheel
    torch-env/bin/pip install --no-build-isolation authors/arborescence/edmonds
    taskset -c 0 python benchmarks/structures.py --authors authors --torch-python torch-env/bin/python
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

from stopwatch import median_cpu

PARTS = ("sample", "log-prob + grad", "posterior")
AUTHORED = ("SpanningTree", "Arborescence", "BinaryTree", "Matching")


def makers():
    from vestige.structures import Arborescence, BinaryTree, Matching, Permutation, SpanningTree, Subset

    return {
        "SpanningTree": ((2,), lambda w: SpanningTree((w + w.T) / 2)),
        "Arborescence": ((2,), lambda w: Arborescence(w)),
        "BinaryTree": ((1,), lambda w: BinaryTree(w)),
        "Matching": ((2,), lambda w: Matching(w)),
        "Permutation": ((1,), lambda w: Permutation(w)),
        "Subset": ((1,), lambda w: Subset(w, 5)),
    }


NAMES = (*AUTHORED, "Permutation", "Subset")


def vestige_side(name, n, batch):
    """CPU ms of the three parts, and seconds to compile them."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    (dimensions,), make = makers()[name]
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
    found, began = [], time.perf_counter()
    given = (sample, (rates, keys)), (score, (rates, traces)), (posterior, (rates, traces, keys))
    programs = [(jax.jit(part).lower(*arguments).compile(), arguments) for part, arguments in given]
    seconds = time.perf_counter() - began
    for program, arguments in programs:
        found.append(median_cpu(lambda p=program, a=arguments: jax.block_until_ready(p(*a)), 9))
    return [*found, seconds]


def authors_side(name, n, batch):
    """CPU ms of the three parts."""
    import torch

    from estimators import uniform_to_exp

    torch.set_num_threads(1)
    torch.manual_seed(0)
    lengths = torch.full((batch,), n)
    if name == "Arborescence":
        from arborescence.functions import arb_cond as cond
        from arborescence.functions import arb_log_prob as log_prob
        from arborescence.functions import arb_struct as struct
    elif name == "SpanningTree":
        from spanning_tree.functions import span_cond as cond
        from spanning_tree.functions import span_log_prob as log_prob
        from spanning_tree.functions import span_struct as struct
    elif name == "BinaryTree":
        from binary_tree.functions import bin_tree_cond as cond
        from binary_tree.functions import bin_tree_log_prob as log_prob
        from binary_tree.functions import bin_tree_struct as struct
    else:
        from matching.functions import matching_cond as cond
        from matching.functions import matching_log_prob as log_prob
        from matching.functions import matching_struct as struct
    shape = (batch, n) if name == "BinaryTree" else (batch, n, n)
    logits = torch.randn(shape, requires_grad=True)

    def sample():
        with torch.no_grad():
            return struct(uniform_to_exp(logits), lengths=lengths)

    drawn, uniform = sample(), torch.distributions.utils.clamp_probs(torch.rand(shape))

    def score():
        torch.autograd.grad(log_prob(drawn, logits, lengths=lengths).sum(), logits)

    def posterior():
        with torch.no_grad():
            cond(drawn, logits, uniform, lengths=lengths)

    return [median_cpu(part, 3) for part in (sample, score, posterior)]


def other_process(python, settings, side, name, n):
    command = [python, __file__, "--side", side, "--structures", name, "--sizes", str(n)]
    command += ["--batch", str(settings.batch), *(["--authors", str(settings.authors)] if settings.authors else [])]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if found.returncode and side == "vestige":
        raise SystemExit(f"{name}, {n}: ended with {found.returncode}")
    return json.loads(found.stdout.splitlines()[-1]) if not found.returncode else found.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 50, 100, 200])
    parser.add_argument("--structures", nargs="+", default=list(NAMES))
    parser.add_argument("--authors", type=pathlib.Path, help="folder of the authors' repository")
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--side", choices=["vestige", "authors"], help=argparse.SUPPRESS)
    settings = parser.parse_args()
    if settings.side:
        if settings.side == "authors":
            sys.path.insert(0, str(settings.authors))
        side = {"vestige": vestige_side, "authors": authors_side}[settings.side]
        print(json.dumps(side(settings.structures[0], settings.sizes[0], settings.batch)))
        return
    print(
        f"batch {settings.batch}; median CPU ms of {', '.join(PARTS)}; then how many times less than the authors' code"
    )
    for name in settings.structures:
        for n in settings.sizes:
            ratios, ours = [], []
            for _ in range(settings.repeats):
                ours.append(other_process(sys.executable, settings, "vestige", name, n))
                if settings.authors and name in AUTHORED:
                    theirs = other_process(settings.torch_python, settings, "authors", name, n)
                    if isinstance(theirs, int):
                        print(f"{name}, {n}: the authors' code ended with {theirs}", file=sys.stderr)
                        continue
                    ratios.append([t / o for t, o in zip(theirs, ours[-1], strict=False)])
                    ratios[-1].append(sum(theirs) / sum(ours[-1][:3]))
            cells = "  ".join(f"{statistics.median(column):8.1f}" for column in zip(*ours, strict=True))
            line = f"{name:14}{n:5}  {cells} s to compile"
            for label, column in zip((*PARTS, "together"), zip(*ratios, strict=True), strict=False):
                line += f"  {label} {statistics.median(column):.1f} ({min(column):.1f}-{max(column):.1f})"
            print(line, flush=True)


if __name__ == "__main__":
    main()
