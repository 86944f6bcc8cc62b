"""A restricted Boltzmann machine beside scikit-learn, and annealed importance sampling beside a NumPy program.

    taskset -c 0 python benchmarks/harmoniums.py

Training: persistent contrastive divergence with one sweep and as many chains as rows of a batch, which is what
`sklearn.neural_network.BernoulliRBM.fit` does; as many updates of the same size for both, after one fit that is not
counted. Annealing: the mean weight of the same number of chains and steps, in float32 for both, the states of all
chains in one product. Both sides in turn, CPU time, medians and ranges of ratios; and which share of the rate of this
machine's own 1024 x 1024 product both reach in the products that the work cannot do without.
"""

import argparse
import itertools
import statistics
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from sklearn.neural_network import BernoulliRBM
from stopwatch import median_cpu

from vestige.models.families import Bernoulli
from vestige.models.harmonium import Harmonium, annealed_log_partition
from vestige.rules import ContrastiveDivergence, ContrastiveDivergenceRule
from vestige.typing import Batch

SIZES = ((64, 100), (784, 500))
ROWS, BATCH, EPOCHS, RATE, STEPS = 2000, 100, 5, 0.05, 500


def machine(visible, hidden, scale=0.1):
    noise = np.random.default_rng(0)
    weights = jnp.asarray(scale * noise.normal(size=(visible, hidden)), jnp.float32)
    return Harmonium(weights, jnp.zeros(visible), jnp.zeros(hidden), Bernoulli(visible))


def trainers(visible, hidden):
    data = (np.random.default_rng(1).random((ROWS, visible)) < 0.3).astype(np.float32)
    rule = ContrastiveDivergenceRule(ContrastiveDivergence(), BATCH)
    batches = jnp.asarray(data).reshape(-1, BATCH, visible)

    @jax.jit
    def fit(model, batches, key):
        carry = rule.init(model, Batch(batches[0], None), key=key)

        def update(state, here):
            model, carry = state
            rows, key = here
            found = rule.step(model, carry, Batch(rows, None), key=key)
            return (eqx.apply_updates(model, jax.tree.map(lambda g: -RATE * g, found.grads)), found.carry), None

        keys = jax.random.split(key, EPOCHS * len(batches))
        return jax.lax.scan(update, (model, carry), (jnp.tile(batches, (EPOCHS, 1, 1)), keys))[0]

    theirs = BernoulliRBM(hidden, learning_rate=RATE, batch_size=BATCH, n_iter=EPOCHS, random_state=0)
    model = machine(visible, hidden)
    return lambda: jax.block_until_ready(fit(model, batches, jax.random.key(0))), lambda: theirs.fit(data)


def annealers(visible, hidden, chains=BATCH, steps=STEPS):
    model = machine(visible, hidden)
    weights, noise = np.asarray(model.weights), np.random.default_rng(2)

    def numpy_side():
        value = (noise.random((chains, visible), np.float32) < 0.5).astype(np.float32)
        total = np.zeros(chains, np.float32)
        betas = np.linspace(0, 1, steps + 1, dtype=np.float32)
        for before, beta in itertools.pairwise(betas):
            logits = value @ weights
            total += np.logaddexp(0, beta * logits).sum(1) - np.logaddexp(0, before * logits).sum(1)
            hidden_bits = noise.random(logits.shape, np.float32) < 1 / (1 + np.exp(-beta * logits))
            natural = beta * (hidden_bits.astype(np.float32) @ weights.T)
            value = (noise.random(natural.shape, np.float32) < 1 / (1 + np.exp(-natural))).astype(np.float32)
        top = total.max()
        return top + np.log(np.exp(total - top).mean()) + (visible + hidden) * np.log(2)

    found = jax.jit(lambda model, key: annealed_log_partition(model, chains=chains, steps=steps, key=key).log_partition)
    return lambda: float(found(model, jax.random.key(0))), numpy_side


def rate():
    """Of a 1024 x 1024 product, per millisecond of CPU time."""
    square = jnp.ones((1024, 1024))
    product = jax.jit(lambda x: x @ x)
    return 2 * 1024**3 / median_cpu(lambda: jax.block_until_ready(product(square)), 9)


def compare(name, products, ours, theirs, repeats):
    said = ours(), theirs()  # compiles
    ratios, took = [], []
    for _ in range(repeats):
        times = []
        for side in (ours, theirs):
            began = time.process_time()
            side()
            times.append(1e3 * (time.process_time() - began))
        took.append(times[0])
        ratios.append(times[1] / times[0])
    limit, ratio = products / statistics.median(took) / rate(), statistics.median(ratios)
    agree = f"  log Z {said[0]:.2f}, {said[1]:.2f}" if "log Z" in name else ""
    print(
        f"{name:44} {statistics.median(took):8.1f} CPU ms  ratio {ratio:.2f} "
        f"({min(ratios):.2f}-{max(ratios):.2f})  of the limit {limit:.0%}, {limit / ratio:.0%}{agree}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    for visible, hidden in SIZES:
        sizes = f"{visible}-{hidden}"
        updates, product = EPOCHS * ROWS // BATCH, 2 * BATCH * visible * hidden
        compare(f"{updates} updates of PCD-1, {sizes}", 5 * updates * product, *trainers(visible, hidden), repeats)
        compare(f"log Z by annealing, {sizes}", 2 * STEPS * product, *annealers(visible, hidden), repeats)


if __name__ == "__main__":
    main()
