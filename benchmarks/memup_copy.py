"""CPU time of one update of MemUP on Copy at the sizes of its authors.

    taskset -c 0 python benchmarks/memup_copy.py [--blocks 5] [--updates 15]

100 steps between, rollouts of 20, a prediction point every 10, 10 targets, batch 128, an LSTM of two layers of 128; all
three parts (memory, predictor, detector) are trained. Medians over blocks, and the share of the rate of this machine's
own 1024 x 1024 product that the 9.1 GFLOP of its products reach.
"""

import argparse
import statistics
import time

import jax
import jax.numpy as jnp
from stopwatch import median_cpu

from vestige.cells import LSTMSpec
from vestige.experiments import Experiment
from vestige.models.longterm import RecurrentSpec
from vestige.numerics.threefry import write_out_threefry
from vestige.rules import MemUPSpec
from vestige.tasks.longterm import CopySpec
from vestige.training import AdamSpec
from vestige.training.state import start
from vestige.training.update import Program, make_advance

BATCH, GFLOP = 128, 9.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--updates", type=int, default=15)
    arguments = parser.parse_args()
    write_out_threefry()  # as runs do
    model = RecurrentSpec(LSTMSpec(128, 2, None), context_window=11, width=256)
    rule, optimiser = MemUPSpec(20, 10, frequency=10), AdamSpec(2e-4, "constant")
    built = Experiment(CopySpec(100), model, rule, optimiser, steps=1000, batch_size=BATCH).build(seed=0)
    how = {"rule": built.rule, "optimiser": built.optimiser, "batch_size": BATCH}
    state = start(built.model, built.task, key=built.key, **how)
    advance = make_advance(batch_size=BATCH, skip_nonfinite=False, mesh=None)
    program, times = Program(built.task, built.rule, built.optimiser), []
    for count in (2, *[arguments.updates] * arguments.blocks):
        began = time.process_time()
        state, _ = advance((program, jnp.asarray(count, jnp.int32)), state)
        int(state.step)
        times.append(1e3 * (time.process_time() - began) / count)
    square = jnp.ones((1024, 1024))
    product = jax.jit(lambda x: x @ x)
    rate = 2 * 1024**3 / median_cpu(lambda: jax.block_until_ready(product(square)), 9) / 1e6  # GFLOP per second
    took = statistics.median(times[1:])
    print(f"{took:.0f} CPU ms an update ({min(times[1:]):.0f}-{max(times[1:]):.0f}); products at {rate:.0f} GFLOP/s")
    print(f"take {1e3 * GFLOP / rate:.0f}: {1e3 * GFLOP / rate / took:.0%} of the limit")


if __name__ == "__main__":
    main()
