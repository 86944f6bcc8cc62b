"""CPU time of one pass through a batch of Recall by MemUP, beside back-propagation through the same sequences.

    taskset -c 0 python benchmarks/memup_pass.py [--distance 1000] [--repeats 3]

An LSTM of 64, 64 sequences. MemUP trains memory, predictor and detector, and scores the sequences; back-propagation
trains the memory alone, by one update a batch, and keeps all states. Arms in turn; medians, and times that of
back-propagation. Each arm is one loop of updates, as in a run.
"""

import argparse
import dataclasses
import statistics
import time

import jax.numpy as jnp

from vestige.cells import LSTMSpec
from vestige.models.longterm import RecurrentSpec
from vestige.numerics.threefry import write_out_threefry
from vestige.registries import registry
from vestige.rules import MemUPSpec
from vestige.rules.longterm_specs import BPTTSpec, ChunkParallelSpec
from vestige.tasks.longterm import RecallSpec
from vestige.training.state import start
from vestige.training.update import Program, make_advance

BATCH = 64
RULES = {
    "back-propagation": BPTTSpec(),
    **{f"MemUP, rollouts of {steps}": MemUPSpec(steps) for steps in (10, 20, 50, 100)},
    "MemUP, rollouts of 50, no current step": MemUPSpec(50, current=False),
    "chunk-parallel, rollouts of 10, one at a time": ChunkParallelSpec(10),
    "chunk-parallel, rollouts of 10, 20 at a time": ChunkParallelSpec(10, chunks_at_once=20),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--distance", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    write_out_threefry()  # as runs do
    base = dataclasses.replace(
        registry("experiment").find("recall").preset("small"),
        task=RecallSpec(arguments.distance),
        model=RecurrentSpec(LSTMSpec(64, 1, None)),
        batch_size=BATCH,
    )
    held, times = {}, {name: [] for name in RULES}
    for name, rule in RULES.items():
        built = dataclasses.replace(base, rule=rule).build(seed=0)
        how = {"rule": built.rule, "optimiser": built.optimiser, "batch_size": BATCH}
        state = start(built.model, built.task, key=built.key, **how)
        advance = make_advance(batch_size=BATCH, skip_nonfinite=False, mesh=None)
        program, updates = Program(built.task, built.rule, built.optimiser), rule.updates_per_batch(built.task)
        state, _ = advance((program, jnp.asarray(updates, jnp.int32)), state)  # compiles
        held[name] = advance, program, updates, state
    for _ in range(arguments.repeats):
        for name, (advance, program, updates, state) in held.items():
            began = time.process_time()
            state, _ = advance((program, jnp.asarray(updates, jnp.int32)), state)
            int(state.step)
            times[name].append(1e3 * (time.process_time() - began))
            held[name] = advance, program, updates, state
    plain = statistics.median(times["back-propagation"])
    for name, found in times.items():
        took = statistics.median(found)
        print(f"{name:48} {held[name][2]:4} updates  {took:8.0f} CPU ms a pass  {took / plain:5.2f}")


if __name__ == "__main__":
    main()
