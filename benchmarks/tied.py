"""The forward pass as inference, against enumeration; and what an update of wake-sleep costs beside back-propagation.

    python benchmarks/tied.py [--nets 20]

As section 3.1 of the notes: four layers of ten bits above ten bits of data, weights N(0, g²/10), biases that centre
them; mean absolute error of the units' marginals in layers 2 to 4. Then CPU milliseconds per update, batch 100,
alternating, medians, and how many times those of back-propagation.
"""

import argparse
import statistics
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.models.tied import (
    Bits,
    GaussHermite,
    Logistic,
    OneHot,
    PlainForward,
    Probit,
    VariancePropagation,
    layer_states,
    tied_pair,
)
from vestige.numerics.threefry import write_out_threefry
from vestige.rules import Gradient, Guided, Hybrid, ReweightedWakeSleep, WakeSleep
from vestige.typing import Batch

WAYS = {
    "AP1": PlainForward(),
    "AP2 logistic": VariancePropagation(Logistic()),
    "AP2 probit": VariancePropagation(Probit()),
    "Gauss-Hermite": VariancePropagation(GaussHermite(24)),
}


@eqx.filter_jit
def errors(net, data):
    """Mean absolute error by layer 2 … 4, for every way."""
    table, exact = None, []
    for k in range(1, net.depth + 1):
        below = data[None] if table is None else layer_states(net, k - 1)
        above = layer_states(net, k)
        logits = jax.vmap(lambda x, k=k: net.up_logits(k, (x,) * k))(below)
        step = jnp.exp(logits @ above.T - jnp.sum(jax.nn.softplus(logits), axis=1)[:, None])
        table = step[0] if table is None else table @ step
        exact.append(table @ above)
    found = {}
    for name, way in WAYS.items():
        means = way(net, data, key=jax.random.key(0))
        found[name] = jnp.stack([jnp.mean(jnp.abs(means[k] - exact[k - 1])) for k in range(2, net.depth + 1)])
    return found


def random_net(scale, noise):
    pair = tied_pair([Bits(10)] * 5, key=jax.random.key(0))
    weights = [noise.normal(size=(10, 10)) * scale / 10**0.5 for _ in range(4)]
    biases = [-w.sum(axis=0) / 2 + noise.normal(size=10) * 0.5 for w in weights]
    net = pair.resolve()
    return eqx.tree_at(
        lambda n: (n.recognition, n.up_biases),
        net,
        (tuple(map(jnp.asarray, weights)), tuple(map(jnp.asarray, biases))),
    )


def accuracy(nets: int):
    print("mean absolute error of marginals at layers 2 3 4, and what is left of AP1's")
    for scale in (0.5, 1, 2, 4):
        noise = np.random.default_rng(0)
        total = {}
        for _ in range(nets):
            net, data = random_net(scale, noise), jnp.asarray(noise.integers(0, 2, 10).astype(float))
            for name, found in errors(net, data).items():
                total[name] = total.get(name, 0) + np.asarray(found) / nets
        for name, found in total.items():
            left = found.mean() / total["AP1"].mean()
            print(f"g={scale:<4} {name:14}", " ".join(f"{e:.5f}" for e in found), f"{left:6.1%}")


def label(model, example, *, key):
    logits = PlainForward().log_top(model.resolve(), example.inputs, key=key)
    value = jnp.sum(example.targets * jax.nn.log_softmax(logits))
    return value, {"label_nll": -value}


def speed():
    write_out_threefry()  # as runs do
    print("CPU milliseconds per update, batch 100 (median of 9 rounds of 100), and times those of back-propagation")
    rules = {
        "back-propagation of the label": Gradient(label, clip=None),
        "wake-sleep": WakeSleep(),
        "hybrid": Hybrid(WakeSleep()),
        "reweighted wake-sleep, K = 5": ReweightedWakeSleep(5),
        "the same, guided": ReweightedWakeSleep(5, proposal=Guided(0.2), reading=1.0),
    }
    for sizes in ((64, 100, 50), (784, 200, 200)):
        pair = tied_pair([*map(Bits, sizes), OneHot(10)], key=jax.random.key(0))
        data = jax.random.bernoulli(jax.random.key(1), 0.3, (100, sizes[0])).astype(float)
        batch = Batch(data, jax.nn.one_hot(jnp.arange(100) % 10, 10))
        programs = {}
        for name, rule in rules.items():

            def many(pair, key, rule=rule):
                def one(pair, key):
                    grads = rule.step(pair, None, batch, key=key).grads  # noqa: B023 - compiled below, at once
                    return eqx.apply_updates(pair, jax.tree.map(lambda g: -1e-3 * g, grads)), None

                return jax.lax.scan(one, pair, jax.random.split(key, 100))[0]

            programs[name] = jax.jit(many)
            jax.block_until_ready(programs[name](pair, jax.random.key(0)))
        times = {name: [] for name in rules}
        for turn in range(9):
            for name, program in programs.items():
                began = time.process_time()
                jax.block_until_ready(program(pair, jax.random.key(turn)))
                times[name].append((time.process_time() - began) * 10)
        plain = statistics.median(times["back-propagation of the label"])
        for name, found in times.items():
            took = statistics.median(found)
            print(f"{'-'.join(map(str, sizes))}-10  {name:30} {took:8.3f} {took / plain:6.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=int, default=20)
    with jax.enable_x64(True):
        accuracy(parser.parse_args().nets)
    speed()
