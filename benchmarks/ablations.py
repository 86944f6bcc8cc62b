"""What each choice of the implementation is worth: one update as shipped, and with one choice undone.

    python benchmarks/ablations.py [--preset small|cpu] [--rounds 9] [--updates 30]

All variants run in one process and take turns; the table gives the median time of an update, its range over the
rounds, and the median over rounds of the ratio to the shipped form. Images are noise: only shapes matter.

- `as shipped`: frames encoded and decoded outside the recurrence; many updates per compiled call.
- `frames one at a time`: each frame encoded, filtered and decoded inside the recurrence, as a plain loop does.
- `one call per update`: the same program, called from Python for every update.
- `rematerialised`: the step of the recurrence is recomputed in the backward pass.
- `unrolled by 5`: five steps of the recurrence per turn of the compiled loop.
"""

import argparse
import dataclasses
import os
import statistics
import time

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.models.temporal import elbo
from vestige.registries import registry
from vestige.rules import Gradient
from vestige.tasks import ImagePool, PerfectRecall
from vestige.training.state import start
from vestige.training.update import Program, make_advance
from vestige.typing import Batch


def one_frame_at_a_time(model, example, *, key):
    def step(state, frame):
        seen = model.filter(frame[None], state=state, key=key)
        fit = model.likelihood.log_prob(seen.frame_parameters[0], frame)
        return seen.state, fit - seen.posterior.kl(seen.prior)[0]

    bound = jnp.mean(jax.lax.scan(step, model.init(), example.inputs)[1])
    return bound, {"negative_bound": -bound}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="small")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--updates", type=int, default=30)
    asked = parser.parse_args()

    experiment = registry("experiment")["perfect-recall"].preset(asked.preset)
    side = 8 if asked.preset == "small" else 28
    pixels = jax.random.randint(jax.random.key(0), (2048, side, side), 0, 256).astype(jnp.uint8)
    pool = ImagePool(pixels, jnp.zeros(2048, jnp.int32))
    task = PerfectRecall(pool, pool, l=experiment.task.l, k=experiment.task.k)
    model = experiment.model.build(task, key=jax.random.key(1))
    optimiser = experiment.optimiser.build(experiment.steps, task=task, rule=experiment.rule)

    example = Batch(task.batch(size=1, key=jax.random.key(2)).inputs[0])
    bounds = [objective(model, example, key=jax.random.key(3))[0] for objective in (elbo, one_frame_at_a_time)]
    assert jnp.allclose(*bounds, rtol=1e-5), f"the variants disagree: {bounds}"

    def variant(model, objective=elbo, per_call=None):
        rule = Gradient(objective)
        advance = make_advance(batch_size=experiment.batch_size, skip_nonfinite=False, mesh=None)
        state = start(
            model, task, rule=rule, optimiser=optimiser, batch_size=experiment.batch_size, key=jax.random.key(4)
        )
        program = Program(task, rule, optimiser)
        held = [state]

        def block():
            count = per_call or asked.updates
            for _ in range(asked.updates // count):
                held[0], halted = advance((program, jnp.asarray(count, jnp.int32)), held[0])
                halted.block_until_ready()

        return block

    blocks = {
        "as shipped": variant(model),
        "frames one at a time": variant(model, one_frame_at_a_time),
        "one call per update": variant(model, per_call=1),
        "rematerialised": variant(dataclasses.replace(model, rematerialise=True)),
        "unrolled by 5": variant(dataclasses.replace(model, unroll=5)),
    }
    compile_seconds = {}
    for name, block in blocks.items():
        began = time.perf_counter()
        block()
        compile_seconds[name] = time.perf_counter() - began
    times = {name: [] for name in blocks}
    for _ in range(asked.rounds):
        for name, block in blocks.items():
            began = time.perf_counter()
            block()
            times[name].append(1e3 * (time.perf_counter() - began) / asked.updates)

    count = sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array)))
    print(
        f"perfect-recall {asked.preset}: {count:,} parameters, "
        f"{experiment.batch_size} x {task.frames} frames of {side}x{side}"
    )
    print(f"jax {jax.__version__}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print(f"{'':24}{'ms per update (range)':>28}{'ratio':>8}{'first block s':>16}")
    for name, values in times.items():
        ratio = statistics.median(a / b for a, b in zip(values, times["as shipped"], strict=True))
        spread = f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"
        print(f"{name:24}{spread:>28}{ratio:>8.2f}{compile_seconds[name]:>16.1f}")


if __name__ == "__main__":
    main()
