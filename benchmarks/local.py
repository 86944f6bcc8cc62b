"""Time and storage of an update: temporally local, and the same model with gradients through time.

    python benchmarks/local.py [--hidden 240] [--rounds 9]

The recurrent harmonium of ring tracking, 40 sequences, CD-1. Rules and chunks alternate in every round; shown is the
median over rounds of milliseconds per *step* of a sequence, and the temporaries of one compiled update.
"""

import argparse
import statistics
import time

import equinox as eqx
import jax

from vestige.models.families import Poisson
from vestige.models.harmonium import RecurrentHarmonium
from vestige.rules import ContrastiveDivergence, JointTarget, TemporallyLocal, ThroughTime, TransitionTarget
from vestige.tasks.filtering import ring_1d

CHUNKS = (1, 10, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    key = jax.random.key(0)
    model = RecurrentHarmonium(Poisson(15), asked.hidden, key=key)
    batch = ring_1d(1000).batch(size=40, key=key)
    rules = {
        "local, pair": lambda chunk: TemporallyLocal(ContrastiveDivergence(), JointTarget(), chunk),
        "local, transition": lambda chunk: TemporallyLocal(ContrastiveDivergence(), TransitionTarget(), chunk),
        "through time, transition": lambda chunk: ThroughTime(ContrastiveDivergence(), TransitionTarget(), chunk),
    }
    compiled = {}
    for name, build in rules.items():
        for chunk in CHUNKS:
            rule = build(chunk)
            carry = rule.init(model, batch, key=key)
            step = eqx.filter_jit(lambda m, c, rule=rule: rule.step(m, c, batch, key=key)).lower(model, carry).compile()
            compiled[name, chunk] = step, carry, step.compiled.memory_analysis().temp_size_in_bytes
    taken = {case: [] for case in compiled}
    for _ in range(asked.rounds):
        for (name, chunk), (step, carry, _) in compiled.items():
            repeats = max(1, 60 // chunk)
            began = time.perf_counter()
            for _ in range(repeats):
                done = step(model, carry)
            jax.block_until_ready(done.grads.state_weights)
            taken[name, chunk].append(1e3 * (time.perf_counter() - began) / repeats / chunk)
    print(f"{'rule':26} {'chunk':>6} {'ms per step':>12} {'updates/s':>10} {'temporaries':>12}")
    for (name, chunk), times in taken.items():
        median = statistics.median(times)
        stored = compiled[name, chunk][2]
        print(f"{name:26} {chunk:6d} {median:12.2f} {1e3 / median / chunk:10.0f} {stored / 2**20:8.1f} MiB")


if __name__ == "__main__":
    main()
