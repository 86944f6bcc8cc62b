"""The update of every connection on a device of its own, against all of them on one.

    python benchmarks/layers_in_parallel.py [--devices 2] [--rounds 15] [--width 500] [--depth 4]

A connection's update by wake-sleep needs the states of its two layers and nothing else, so that once states are
sampled all connections can be updated at once. Each device is one thread of this machine's: with more devices than idle
cores nothing can be gained. (The products of one compiled update may themselves go on at once, on all cores: compare
with `taskset -c 0` and `--devices 1`.) The copies of states to the devices are part of the time; kernels and their
updates stay where they are. Medians of alternating rounds.
"""

import argparse
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--devices", type=int, default=2)
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--width", type=int, default=500)
parser.add_argument("--depth", type=int, default=4)
arguments = parser.parse_args()
flags = (f"--xla_force_host_platform_device_count={arguments.devices}", "--xla_cpu_multi_thread_eigen=false")
os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *flags])

import equinox as eqx  # noqa: E402 - after the flags
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

from vestige.models.tied import Bits, Net, added, generation_update, recognition_update, tied_pair  # noqa: E402

BATCH = 100


def between(net: Net, k: int) -> Net:
    """Connection k alone, as a net of two layers."""
    one = slice(k, k + 1)
    return Net(
        net.units[k : k + 2],
        net.ups[one],
        net.downs[one],
        net.generation[one],
        net.recognition[one],
        net.up_biases[one],
        net.down_biases[one],
        net.prior if k + 1 == net.depth else jnp.zeros(net.units[k + 1].shape),
    )


@eqx.filter_jit
def sampled(net: Net, data: jax.Array, key: jax.Array):
    """States of the wake phase and of the sleep phase."""
    wake, sleep = jax.random.split(key)
    up = jax.vmap(lambda x, k: net.recognise(x, key=k))(data, jax.random.split(wake, BATCH))
    down = jax.vmap(lambda k: net.generate(key=k))(jax.random.split(sleep, BATCH))
    return up, down


@eqx.filter_jit
def updates(net: Net, states):
    """Both directions of all connections of `net`."""
    ones = jnp.ones(BATCH)
    return added(generation_update(net, states[0], ones), recognition_update(net, states[1], ones))


def median(programs: dict) -> dict[str, float]:
    """Milliseconds of each, in turns."""
    times = {name: [] for name in programs}
    for turn in range(arguments.rounds + 1):
        for name, program in programs.items():
            began = time.perf_counter()
            jax.block_until_ready(jax.tree.leaves(eqx.filter(program(), eqx.is_array)))
            if turn:  # the first one compiles
                times[name].append(1e3 * (time.perf_counter() - began))
    return {name: statistics.median(found) for name, found in times.items()}


devices = jax.devices()
sizes = (784, *[arguments.width] * arguments.depth)
key = jax.random.key(0)
net = tied_pair([Bits(size) for size in sizes], key=key).resolve()
data = jax.random.bernoulli(key, 0.3, (BATCH, 784)).astype(float)
states = sampled(net, data, key)
homes = [devices[k % len(devices)] for k in range(arguments.depth)]
parts = [jax.device_put(between(net, k), home) for k, home in enumerate(homes)]


def there(place: int):
    """The connections of one device, one after the other."""
    found = {}
    for k in range(place, arguments.depth, len(devices)):
        seen = jax.device_put([phase[k : k + 2] for phase in states], homes[k])
        found[k] = jax.block_until_ready(updates(parts[k], seen))
    return found


threads = ThreadPoolExecutor(len(devices))


def apart():
    """Every connection where it lives. A thread for each device: the CPU runs a program in the thread that calls it."""
    found = {k: part for places in threads.map(there, range(len(devices))) for k, part in places.items()}
    return [found[k] for k in range(arguments.depth)]


found = median(
    {
        "states, sampled up and down": lambda: sampled(net, data, key),
        "updates, all on one device": lambda: updates(net, states),
        f"updates, on {len(devices)} devices": apart,
    }
)
whole = updates(net, states)
same = all(
    bool(jnp.allclose(one, other, atol=1e-4))
    for k, part in enumerate(apart())
    for one, other in ((whole.generation[k], part.generation[0]), (whole.recognition[k], part.recognition[0]))
)
print("-".join(map(str, sizes)), f"batch {BATCH}, the same updates: {same}")
for name, milliseconds in found.items():
    print(f"{name:32} {milliseconds:8.2f} ms")
